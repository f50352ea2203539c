package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// sampleSize is how much of the (decompressed) beginning is looked at to find a format that the first line leaves open.
const sampleSize = 64 << 10

// kinds of files that are no text, by their first bytes.
var magic = []struct{ prefix, what string }{
	{"PAR1", "a Parquet file; dataset/parquet.Format reads it, where it is among the formats"},
	{"PK\x03\x04", "a zip archive (an Excel workbook is one too); unpack it, or save it as CSV"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x89PNG", "a PNG picture"},
	{"\xff\xd8\xff", "a JPEG picture"},
	{"GIF87a", "a GIF picture"},
	{"GIF89a", "a GIF picture"},
	{"%PDF-", "a PDF document"},
	{"\xd0\xcf\x11\xe0", "an old Office document; save it as CSV"},
	{"{\\rtf", "an RTF document"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\x93NUMPY", "a NumPy array; save it as CSV"},
	{"\x89HDF\r\n", "an HDF5 file"},
	{"ARROW1\x00", "an Arrow file"},
	{"ORC", "an ORC file"},
	{"Obj\x01", "an Avro file"},
	{"\x7fELF", "a program"},
	{"\xfd7zXZ\x00", "xz data; decompress it first"},
	{"BZh", "bzip2 data; decompress it first"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"},
	{"Rar!\x1a", "a RAR archive; unpack it first"},
	{"\x04\x22\x4d\x18", "LZ4 data; decompress it first"},
	{"\x1f\x8b", "gzip data inside compressed data"},
	{"\x28\xb5\x2f\xfd", "zstd data inside compressed data"},
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the data; git lfs pull fetches it"},
	{"\xff\xfe\x00\x00", "text in the encoding UTF-32; convert it, for example with iconv -t UTF-8"},
	{"\x00\x00\xfe\xff", "text in the encoding UTF-32; convert it, for example with iconv -t UTF-8"},
	{"\xff\xfe", "text in the encoding UTF-16; convert it, for example with iconv -t UTF-8"},
	{"\xfe\xff", "text in the encoding UTF-16; convert it, for example with iconv -t UTF-8"},
}

// notText says what a file is that holds no table of text, by its beginning; "" for text.
func notText(b []byte) string {
	for _, m := range magic {
		if !bytes.HasPrefix(b, []byte(m.prefix)) {
			continue
		}
		// Some begin with letters that a column's name may begin with too: then what follows decides.
		rest := b[len(m.prefix):]
		switch m.prefix {
		case "PAR1", "ORC", "GIF87a", "GIF89a":
			if len(rest) == 0 || !binaryShare(rest[:min(len(rest), 8)]) && !bytes.HasSuffix(rest, []byte("PAR1")) {
				continue
			}
		case "BZh":
			if len(rest) < 7 || string(rest[1:7]) != "1AY&SY" {
				continue
			}
		}
		return m.what
	}
	start := bytes.TrimLeft(b, " \t\r\n")
	lower := strings.ToLower(string(start[:min(len(start), 64)]))
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<!--"} {
		if strings.HasPrefix(lower, tag) {
			return "a page of HTML, not data (perhaps an error page of the server it came from)"
		}
	}
	if strings.HasPrefix(lower, "<?xml") || strings.HasPrefix(lower, "<svg") {
		return "an XML document"
	}
	if len(start) > 1 && start[0] == '[' {
		if rest := bytes.TrimLeft(start[1:], " \t\r\n"); len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') {
			return "one JSON array, not JSON Lines; write one object a line, for example with jq -c '.[]'"
		}
	}
	if len(start) > 0 && start[0] == '{' {
		if bytes.Contains(start[:min(len(start), 4096)], []byte(`"descent-model"`)) {
			return "a model of descent, not data"
		}
		if line, _, found := bytes.Cut(start, []byte("\n")); found && len(bytes.TrimSpace(line)) == 1 {
			return "a JSON document over many lines, not JSON Lines; write one object a line, for example with jq -c ."
		}
	}
	if utf16Like(b) {
		return "text in the encoding UTF-16, without its mark; convert it, for example with iconv -t UTF-8"
	}
	if binaryShare(b) {
		return "binary data, not text"
	}
	return ""
}

// utf16Like reports whether nearly every second byte is NUL.
func utf16Like(b []byte) bool {
	b = b[:min(len(b), 4096)]
	var nul [2]int
	for i, c := range b {
		if c == 0 {
			nul[i&1]++
		}
	}
	half := len(b) / 2
	return half >= 2 && (nul[0]*10 >= half*8 && nul[1] == 0 || nul[1]*10 >= half*8 && nul[0] == 0)
}

// binaryShare reports whether more than a tenth of the first bytes are control characters or no UTF-8 at that, so that
// a text with one stray byte is still a text.
func binaryShare(b []byte) bool {
	b = b[:min(len(b), 4096)]
	odd := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' || r == 0x7f {
			odd++
		} else if r == utf8.RuneError && n == 1 && i+4 <= len(b) {
			odd++
		}
		i += n
	}
	if len(b) >= 4 && binary.LittleEndian.Uint32(b) == 0 {
		return true
	}
	return odd > 2 && odd*10 > len(b)
}

// layout is a format as it was found.
type layout struct {
	format string
	delim  byte // of delimited text
}

var delimiters = map[string]byte{CSV: ',', TSV: '\t', Semicolon: ';', Pipe: '|'}

// layoutOf is the layout a user named.
func layoutOf(format string) (layout, error) {
	switch format {
	case LIBSVM, JSONL:
		return layout{format: format}, nil
	}
	if d, ok := delimiters[format]; ok {
		return layout{format, d}, nil
	}
	known := []string{CSV, TSV, Semicolon, Pipe, LIBSVM, JSONL}
	message := fmt.Sprintf("unknown format %s; there are %s", quote(format), list(known, len(known)))
	if near, ok := Closest(format, known); ok {
		message += fmt.Sprintf("; did you mean %s?", quote(near))
	}
	return layout{}, &Error{Message: message, final: true}
}

// sampleEnd is how a sample of a file's beginning ends.
type sampleEnd uint8

const (
	growing  sampleEnd = iota // more of the file may still be looked at
	cutOff                    // the sample is full: its last line may go on, and what is there decides
	complete                  // it is the whole file
)

// detect finds the layout of a text from its first lines. sure is false when the first line leaves it open and more lines
// would help.
func detect(b []byte, end sampleEnd) (l layout, sure bool) {
	start := bytes.TrimLeft(b, " \t\r\n")
	if len(start) > 0 && start[0] == '{' {
		return layout{format: JSONL}, true
	}
	if is, sure := looksLIBSVM(b, end); is {
		return layout{format: LIBSVM}, true
	} else if !sure {
		return layout{CSV, ','}, false
	}
	// The header decides when only one delimiter occurs in it outside quotes; else the one that cuts the most lines into as many cells.
	candidates := []struct {
		format string
		delim  byte
	}{{TSV, '\t'}, {Semicolon, ';'}, {CSV, ','}, {Pipe, '|'}}
	best, most, found := layout{CSV, ','}, -1, 0
	for _, c := range candidates {
		cells, agree := consistency(b, c.delim, end)
		if cells < 2 {
			continue
		}
		found++
		if agree > most {
			best, most = layout{c.format, c.delim}, agree
		}
	}
	return best, found <= 1 || end != growing
}

// consistency counts the cells of the first record and how many of the first hundred records have as many.
func consistency(b []byte, delim byte, end sampleEnd) (cells, agree int) {
	w := newWindow(bytes.NewReader(b), max(len(b), 1))
	w.quotes, w.delim = '"', delim
	d := delimited{w: w, delim: delim}
	for range 100 {
		rec, line, quoted, err := d.take()
		if err != nil {
			if cells == 0 && end != complete && w.last.pos < w.end { // the end cuts the first record inside quotes
				c, _ := lastCell(w.buf[w.last.pos:w.end], delim, w.quotes)
				cells = c.index + 1
			}
			break
		}
		if w.pos == w.end && w.done && end != complete && cells > 0 {
			break // the sample's end cuts this record
		}
		r, err := d.cells(rec, line, quoted)
		if err != nil {
			break
		}
		if cells == 0 {
			cells = len(r.Cells)
		}
		if len(r.Cells) == cells {
			agree++
		}
	}
	return cells, agree
}

// looksLIBSVM reports whether the first line with two words or more is a label and index:value pairs. Lines before it may be labels alone,
// so that a line of one number leaves it open.
func looksLIBSVM(b []byte, end sampleEnd) (is, sure bool) {
	for len(b) > 0 {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			switch end {
			case growing:
				return false, len(bytes.TrimSpace(b)) > 0 && !wordsLIBSVM(b)
			case cutOff: // inside a word, perhaps
				return wordsLIBSVM(b[:bytes.LastIndexAny(b, " \t")+1]), true
			}
			i = len(b) - 1
		}
		line := b[:i+1]
		b = b[i+1:]
		if c := bytes.IndexByte(line, '#'); c >= 0 {
			line = line[:c]
		}
		words := bytes.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case len(words) == 1:
			if _, ok := ParseNumber(words[0]); !ok {
				return false, true
			}
			continue
		}
		return wordsLIBSVM(line), true
	}
	return false, end != growing
}

// wordsLIBSVM reports whether all words after the first begin with an index and a colon.
func wordsLIBSVM(line []byte) bool {
	words := bytes.Fields(line)
	if len(words) < 2 {
		return false
	}
	for i, word := range words {
		if index, _, ok := bytes.Cut(word, []byte(":")); i > 0 && !(ok && (isIndex(index) || string(index) == "qid")) {
			return false
		}
	}
	return true
}

// isIndex recognises digits, with a sign that would be an error later.
func isIndex(b []byte) bool {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0
}
