// Command asm writes the assembly of internal/kernel: one file of instructions, one of declarations and one of the tables
// they stand in for AVX2 and for AVX-512. It is a module of its own, so that avo is no dependency of what it writes.
//
//	go run . -dir ..
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	dir := flag.String("dir", "..", "where the files are written")
	flag.Parse()
	for _, m := range []*machine{newMachine("avx2", false), newMachine("avx512", true)} {
		if err := m.write(*dir); err != nil {
			build.LogError(log.New(os.Stderr, "asm: ", 0), err, 0)
			os.Exit(1)
		}
	}
}

// write generates every kernel of the machine into dir.
func (m *machine) write(dir string) error {
	m.ConstraintExpr("amd64")
	m.ConstraintExpr("!purego")
	for _, single := range []bool{false, true} {
		m.single = single
		m.panels()
		m.maps()
		m.fused()
	}
	f, err := m.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(f); err != nil {
		return err
	}
	name := filepath.Join(dir, "z"+m.prefix+"_amd64")
	config := printer.Config{Name: "internal/kernel/asm", Pkg: "kernel"}
	for suffix, p := range map[string]printer.Printer{".s": printer.NewGoAsm(config), ".go": printer.NewStubs(config)} {
		text, err := p.Print(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name+suffix, text, 0o666); err != nil {
			return err
		}
	}
	text, err := m.sets()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "z"+m.prefix+"_sets_amd64.go"), text, 0o666)
}

func newMachine(prefix string, wide bool) *machine {
	return &machine{Context: build.NewContext(), prefix: prefix, wide: wide, constants: map[string]constant{}}
}
