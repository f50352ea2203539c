package dataset

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func gz(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, text []byte, o ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, o...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var plainText = []byte("hours,school,passed\n" + strings.Repeat("1.25,elm,0\n2.5,oak,1\n", 200))

func TestCompression(t *testing.T) {
	want := mustRead(t, string(plainText), Options{}).Fingerprint()
	for name, packed := range map[string][]byte{
		"gzip": gz(t, plainText), "zstd": zst(t, plainText),
		"gzip in two members": append(gz(t, plainText[:1000]), gz(t, plainText[1000:])...),
		"zstd in two frames":  append(zst(t, plainText[:1000]), zst(t, plainText[1000:])...),
		"zstd skippable":      append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), zst(t, plainText)...),
	} {
		table, err := read(t, string(packed), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if table.Fingerprint() != want {
			t.Errorf("%s: another fingerprint", name)
		}
	}
}

// TestBrokenArchives cuts archives at every byte and flips bits: never a table of what could be read.
func TestBrokenArchives(t *testing.T) {
	want := mustRead(t, string(plainText), Options{}).Fingerprint()
	for kind, packed := range map[string][]byte{"gzip": gz(t, plainText), "zstd": zst(t, plainText)} {
		for n := 4; n < len(packed); n++ {
			_, err := read(t, string(packed[:n]), Options{})
			if err == nil {
				t.Fatalf("%s cut at %d of %d: read", kind, n, len(packed))
			}
			if message := err.Error(); !strings.HasPrefix(message, "t: the "+kind+" data is truncated") || strings.Contains(message, "\n") {
				t.Fatalf("%s cut at %d: %s", kind, n, message)
			}
		}
		for i := 4; i < len(packed); i++ {
			flipped := bytes.Clone(packed)
			flipped[i] ^= 1 << (i % 8)
			if table, err := read(t, string(flipped), Options{}); err == nil && table.Fingerprint() != want {
				t.Fatalf("%s with byte %d changed: read as something else", kind, i)
			}
		}
	}
	_, err := read(t, string(append(gz(t, plainText), "more"...)), Options{})
	if err == nil || !strings.Contains(err.Error(), "gzip data is") {
		t.Errorf("text after the archive: %v", err)
	}
	corrupt := gz(t, plainText)
	corrupt[len(corrupt)-6] ^= 1 // of the checksum
	if _, err := read(t, string(corrupt), Options{}); err == nil || !strings.Contains(err.Error(), "checksum does not match") {
		t.Errorf("checksum: %v", err)
	}
	// A frame that asks for a window of 1 GiB: magic, descriptor without single segment, window descriptor with exponent 20, an empty last block.
	if _, err := read(t, "\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00", Options{}); err == nil || !strings.Contains(err.Error(), "window over the limit") {
		t.Errorf("window: %v", err)
	}
}

func TestNotText(t *testing.T) {
	for want, text := range map[string]string{
		"Parquet":        "PAR1\x15\x04\x15\x00\x00\x00",
		"zip archive":    "PK\x03\x04\x14\x00\x06\x00",
		"PNG":            "\x89PNG\r\n\x1a\n\x00\x00",
		"HTML":           "\n<!DOCTYPE html>\n<html>",
		"Git LFS":        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
		"UTF-16":         "\xff\xfea\x00,\x00b\x00\n\x00",
		"UTF-16, with":   "a\x00,\x00b\x00\r\x00\n\x001\x00",
		"UTF-32":         "\xff\xfe\x00\x00a\x00\x00\x00",
		"SQLite":         "SQLite format 3\x00\x10",
		"PDF":            "%PDF-1.7\n%\xe2\xe3",
		"XML":            "<?xml version=\"1.0\"?>\n<a/>",
		"JSON array":     "[\n {\"a\":1}\n]",
		"JSON document":  "{\n \"a\": 1\n}\n",
		"a model of":     `{"format":"descent-model","version":1}`,
		"binary data":    "\x01\x02\x03\x04\x00\xff\xfe\x80\x81",
		"gzip data insi": string(gz(t, gz(t, []byte("a\n1\n")))),
		"bzip2":          "BZh91AY&SY\x12\x34",
		"NumPy":          "\x93NUMPY\x01\x00v\x00{'descr': '<f8'}",
	} {
		_, err := read(t, text, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "t: this is ") {
			t.Errorf("%q: %v", want, err)
		}
	}
	for _, text := range []string{"PAR1,b\n1,2\n", "ORC\n1\n", "BZh,b\n1,2\n", "GIF89a,x\n1,2\n", "version,b\n1,2\n", "{a,b\n1,2\n"[1:]} {
		if _, err := read(t, text, Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := read(t, "\n \n", Options{}); err == nil || err.Error() != "t: the file is empty" {
		t.Errorf("blank: %v", err)
	}
	if _, err := read(t, "\xef\xbb\xbf", Options{}); err == nil || err.Error() != "t: the file is empty" {
		t.Errorf("only a mark: %v", err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := func(pattern string, o Options) (*Table, string) {
		table, err := Open(t.Context(), filepath.Join(dir, pattern), o)
		if err != nil {
			return nil, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
		}
		return table, ""
	}
	write("a-1.csv", "x,y\n1,p\n\n2,q\n")
	write("a-2.csv.gz", string(gz(t, []byte("x,y\r\n3,p\r\n"))))
	write("a-3.csv", "x,y\n")
	write("a-4.csv", "x,y\n4,q\n5,r\n")
	table, err := open("a-*.csv*", Options{Target: "y"})
	if err != "" {
		t.Fatal(err)
	}
	if got := show(table); got != `x:numeric[1 2 3 4 5] y:levels["p" "q" "p" "q" "r"]` {
		t.Error(got)
	}
	for row, want := range []string{"a-1.csv:2", "a-1.csv:4", "a-2.csv.gz:2", "a-4.csv:2", "a-4.csv:3"} {
		if got := fmt.Sprintf("%s:%d", filepath.Base(table.File(row)), table.Line(row)); got != want {
			t.Errorf("row %d is at %s, want %s", row, got, want)
		}
	}
	one := mustRead(t, "x,y\n1,p\n2,q\n3,p\n4,q\n5,r\n", Options{Target: "y"})
	if one.Fingerprint() != table.Fingerprint() {
		t.Error("four files and one with the same rows differ")
	}
	write("a-5.csv", "x,y\n5,r\nabc,r\n7\n")
	if _, err := open("a-*.csv*", Options{}); err != "a-5.csv:3:1: column \"x\": \"abc\" is not a number; --categorical x reads the column as levels\na-5.csv:4: wrong number of fields: the row has 1, the header has 2" {
		t.Error(err)
	}
	write("b-1.csv", "x,y\n1,2\n")
	write("b-2.csv", "x,z\n1,2\n")
	if _, err := open("b-*.csv", Options{}); err != `b-2.csv:1:2: the header has "z" where that of b-1.csv has "y"` {
		t.Error(err)
	}
	write("c-1.csv", "x,y\n1,2\n")
	write("c-2.csv", "x\ty\n1\t2\n")
	if _, err := open("c-*.csv", Options{}); err != `c-2.csv: the format is tsv, that of c-1.csv is csv` {
		t.Error(err)
	}
	write("d-1.jsonl", `{"x":1,"y":2}`)
	write("d-2.jsonl", `{"y":4}`+"\n"+`{"z":4}`)
	if _, err := open("d-*", Options{}); err != `d-2.jsonl:2: unknown key "z"; the first line has x, y` {
		t.Error(err)
	}
	if _, err := open("e-*.csv", Options{}); err != `e-*.csv: no file matches` {
		t.Error(err)
	}
	if _, err := open("b-3.csv", Options{}); !strings.HasPrefix(err, "b-3.csv: no such file or directory; did you mean ") && runtime.GOOS != "windows" {
		t.Error(err)
	}
	if _, err := open("", Options{}); !strings.Contains(err, "it is a directory") {
		t.Error(err)
	}
	write("[odd]*.csv", "x,y\n1,2\n")
	if _, err := open("[odd]*.csv", Options{}); err != "" {
		t.Error("a file whose name has glob characters:", err)
	}
	stdin, e := Open(t.Context(), "-", Options{Stdin: strings.NewReader("a,b\n1,x\n2,3,4\n")})
	if e == nil || e.Error() != "stdin:3: wrong number of fields: the row has 3, the header has 2" {
		t.Errorf("%v %v", stdin, e)
	}
}

func TestReadFailure(t *testing.T) {
	r := io.MultiReader(strings.NewReader("a,b\n1,2\n3,x"), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := Read(t.Context(), "t", r, Options{}); err == nil || err.Error() != "t: io: read/write on closed pipe" {
		t.Errorf("%v", err)
	}
}

// endless gives a head, and then one byte for ever, up to a limit that no test wants to reach.
type endless struct {
	head  io.Reader
	c     byte
	given int64
}

func (e *endless) Read(b []byte) (int, error) {
	if n, _ := e.head.Read(b); n > 0 {
		return n, nil
	}
	if e.given += int64(len(b)); e.given > 4<<30 {
		return 0, io.EOF
	}
	if len(b) > 0 {
		b[0] = e.c
		for n := 1; n < len(b); n *= 2 {
			copy(b[n:], b[:n])
		}
	}
	return len(b), nil
}

// TestLongCells: a cell over 16 MiB is an error at its place, found with a bounded part of it in memory.
func TestLongCells(t *testing.T) {
	if testing.Short() {
		t.Skip("uses some hundred MiB")
	}
	for name, c := range map[string]struct {
		head string
		c    byte
		want string
	}{
		"a cell":        {"a,b\n1,2\n3,", 'x', `t:3:2: column "b": the cell is longer than the limit of 16 MiB`},
		"a quoted cell": {"a,b\n1,2\n\n\"3\",\"", '\n', `t:4:2: column "b": the cell is longer than the limit of 16 MiB; a quote opens here and is not closed`},
		"a header":      {"a,", 'x', `t:1:2: the cell is longer than the limit of 16 MiB`},
		"a row":         {"a,b\n1,2\n", ',', `t:3: the row is longer than the limit of 64 MiB`},
		"a json line":   {"{\"a\":1}\n{\"a\":\"", 'x', `t:2: the line is longer than the limit of 64 MiB`},
		"a libsvm line": {"1 1:2\n0 1:", '1', `t:2: the line is longer than the limit of 64 MiB`},
	} {
		e := &endless{head: strings.NewReader(c.head), c: c.c}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(t.Context(), "t", e, Options{})
		runtime.ReadMemStats(&after)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 300<<20 {
			t.Errorf("%s: %d MiB allocated", name, used>>20)
		}
		if e.given > 140<<20 {
			t.Errorf("%s: read %d MiB", name, e.given>>20)
		}
	}
	exactly := strings.Repeat("x", maxCell)
	if _, err := read(t, "a,b\n"+exactly+",1\n", Options{}); err != nil {
		t.Errorf("a cell of exactly the limit: %.80v", err)
	}
	if _, err := read(t, "a,b\n1,1\n"+exactly+"x,1\n", Options{}); err == nil || err.Error() != `t:3:1: column "a": the cell is longer than the limit of 16 MiB` {
		t.Errorf("a cell of one byte more: %.80v", err)
	}
	if _, err := read(t, "{\"a\":1}\n{\"a\":\""+exactly+"x\"}\n", Options{}); err == nil || err.Error() != `t:2:1: column "a": the cell is longer than the limit of 16 MiB` {
		t.Errorf("a string of one byte more: %.80v", err)
	}
}
