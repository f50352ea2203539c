package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDbg(t *testing.T) {
	try := func(name, src, root string) {
		st := time.Now()
		g, err := Parse(src)
		if err != nil {
			t.Log(name, "parse", err)
			return
		}
		p := time.Since(st)
		st = time.Now()
		err = g.Derive(root)
		el := time.Since(st)
		l := 0
		budget := 0
		if err == nil {
			for _, d := range g.Defs {
				l += len(d.Runs.String())
				for _, s := range d.Why {
					if s.Rule == "budget" { budget++ }
				}
			}
		}
		t.Log(name, p, el, time.Since(st), err, g.next, l, "budget", budget)
	}
	var b strings.Builder
	b.WriteString("t0 = x + w\n")
	for i := 1; i <= 60; i++ {
		fmt.Fprintf(&b, "t%d = t%d*t%d\n", i, i-1, i-1)
	}
	try("squares", b.String(), "t60")
	b.Reset()
	b.WriteString("t0 = x + w\n")
	for i := 1; i <= 60; i++ {
		fmt.Fprintf(&b, "t%d = t%d + t%d\n", i, i-1, i-1)
	}
	try("doubles", b.String(), "t60")
	b.Reset()
	b.WriteString("t0 = 1.5\n")
	for i := 1; i <= 60; i++ {
		fmt.Fprintf(&b, "t%d = t%d*t%d\n", i, i-1, i-1)
	}
	b.WriteString("L = w*t60")
	try("constants", b.String(), "L")
	b.Reset()
	b.WriteString("L = ")
	for i := 0; i < 30; i++ {
		if i > 0 { b.WriteString(" + ") }
		fmt.Fprintf(&b, "(a%d+b)*(c%d+b)*(d%d-b)*(e%d+b)*f%d", i, i, i%7, i%5, i%3)
	}
	try("30 five-factor", b.String(), "L")
	b.Reset()
	b.WriteString("L = ")
	for i := 0; i < 3000; i++ {
		if i > 0 { b.WriteString(" + ") }
		fmt.Fprintf(&b, "w%d*x", i%100)
	}
	try("long sum", b.String(), "L")
	b.Reset()
	b.WriteString("L = ")
	for i := 0; i < 1900; i++ {
		b.WriteString("sigmoid(")
	}
	b.WriteString("w" + strings.Repeat(")", 1900))
	try("deep", b.String(), "L")
	b.Reset()
	b.WriteString("L = w")
	for i := 0; i < 1900; i++ {
		b.WriteString("^w")
	}
	try("tower", b.String(), "L")
	b.Reset()
	b.WriteString("L = 1")
	for i := 0; i < 1500; i++ {
		fmt.Fprintf(&b, "*(w%d-x)", i)
	}
	try("product", b.String(), "L")
	b.Reset()
	for i := 0; i < 3000; i++ {
		fmt.Fprintf(&b, "t%d = softplus(t%d*w)\n", i+1, i)
	}
	try("lines", b.String(), "t3000")
	b.Reset()
	for i := 0; i < 300; i++ {
		fmt.Fprintf(&b, "t%d = log(1-sigmoid(t%d*w))*y\n", i+1, i)
	}
	try("300 lines", b.String(), "t300")
}
