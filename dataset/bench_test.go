package dataset

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
)

// numericCSV is m rows of n columns as %.6g writes them, with a label.
func numericCSV(m, n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for j := range n {
		fmt.Fprintf(&b, "x%d,", j+1)
	}
	b.WriteString("y\n")
	for range m {
		for range n {
			fmt.Fprintf(&b, "%.6g,", r.NormFloat64()*10)
		}
		fmt.Fprintf(&b, "%d\n", r.IntN(2))
	}
	return b.Bytes()
}

// mixedCSV has numbers of up to 17 digits, integers and columns of texts.
func mixedCSV(m int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	words := make([]string, 300)
	for i := range words {
		words[i] = fmt.Sprintf("level-%d", i*i)
	}
	var b bytes.Buffer
	b.WriteString("id,price,share,city,kind,y\n")
	for i := range m {
		fmt.Fprintf(&b, "%d,%.2f,%v,%s,%s,%d\n", i, r.Float64()*1e4, r.Float64(), words[r.IntN(300)], words[r.IntN(4)], r.IntN(2))
	}
	return b.Bytes()
}

// quoteAll puts every cell in quotes.
func quoteAll(text []byte) []byte {
	text = bytes.ReplaceAll(bytes.TrimSpace(text), []byte(","), []byte(`","`))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\"\n\""))
	return append(append([]byte(`"`), text...), "\"\n"...)
}

func libsvmText(m, perRow int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	var b bytes.Buffer
	for range m {
		fmt.Fprintf(&b, "%+d", 2*r.IntN(2)-1)
		at := 0
		for range perRow {
			at += 1 + r.IntN(50)
			fmt.Fprintf(&b, " %d:%.6g", at, r.Float64())
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func jsonlText(m int) []byte {
	r := rand.New(rand.NewPCG(7, 8))
	var b bytes.Buffer
	for range m {
		fmt.Fprintf(&b, "{\"age\":%d,\"score\":%.6g,\"city\":\"level-%d\",\"passed\":%v}\n", r.IntN(90), r.NormFloat64(), r.IntN(30), r.IntN(2) == 1)
	}
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name   string
		text   []byte
		target string
	}{
		{"numeric/m=1e5/n=28", numericCSV(100_000, 28), "y"},
		{"quoted/m=1e5/n=28", quoteAll(numericCSV(100_000, 28)), "y"},
		{"mixed/m=2e5", mixedCSV(200_000), "y"},
		{"libsvm/m=2e4", libsvmText(20_000, 75), ""},
		{"jsonl/m=1e5", jsonlText(100_000), "passed"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(b.Context(), "bench", bytes.NewReader(c.text), Options{Target: c.target}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStandard is the same numeric text through encoding/csv and strconv, into columns.
func BenchmarkStandard(b *testing.B) {
	text := numericCSV(100_000, 28)
	b.Run("numeric/m=1e5/n=28", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(text))
			r.ReuseRecord = true
			if _, err := r.Read(); err != nil {
				b.Fatal(err)
			}
			columns := make([][]float64, 29)
			for {
				rec, err := r.Read()
				if err == io.EOF {
					break
				}
				for j, s := range rec {
					v, err := strconv.ParseFloat(s, 64)
					if err != nil {
						b.Fatal(err)
					}
					columns[j] = append(columns[j], v)
				}
			}
		}
	})
}
