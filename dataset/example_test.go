package dataset_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/descent-ml/descent/dataset"
)

func ExampleOpen() {
	t, err := dataset.Open(context.Background(), "../testdata/bad/word_labels.csv", dataset.Options{Target: "passed"})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range t.Columns {
		fmt.Println(c.Index, c.Name, c.Type, c.Levels)
	}
	fmt.Println(t.Rows, "rows, the last on line", t.Line(t.Rows-1))
	// Output:
	// 1 hours numeric []
	// 2 score numeric []
	// 3 school levels [ash elm oak]
	// 4 passed levels [fail pass]
	// 60 rows, the last on line 61
}

func ExampleRead() {
	_, err := dataset.Read(context.Background(), "ages.csv", strings.NewReader("name,age\nAnn,35\nBob,abc\nCy,41\n"), dataset.Options{})
	fmt.Println(err)
	// Output:
	// ages.csv:3:2: column "age": "abc" is not a number; --categorical age reads the column as levels
}

func ExampleScanner() {
	s, err := dataset.NewScanner(context.Background(), "stdin", strings.NewReader("name;age\nAnn;35\n\"Bob\nII\";41\n"), dataset.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Format, s.Header)
	for {
		r, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		age, ok := dataset.ParseNumber(r.Cells[1].Text)
		fmt.Printf("line %d: %q %v %v\n", r.Line, r.Cells[0].Text, age, ok)
	}
	// Output:
	// semicolon [name age]
	// line 2: "Ann" 35 true
	// line 3: "Bob\nII" 41 true
}

func ExampleParseNumber() {
	for _, s := range []string{"+5", ".5", "1E+1", "0x10", "1,000", "inf"} {
		v, ok := dataset.ParseNumber([]byte(s))
		fmt.Println(s, v, ok)
	}
	// Output:
	// +5 5 true
	// .5 0.5 true
	// 1E+1 10 true
	// 0x10 0 false
	// 1,000 0 false
	// inf 0 false
}

func ExampleClosest() {
	fmt.Println(dataset.Closest("scroe", []string{"hours", "score", "school"}))
	// Output: score true
}

func ExampleMissing() {
	m := dataset.NewMissing([]string{"-999", "unknown"})
	fmt.Println(m.Is([]byte("")), m.Is([]byte("-999")), m.Is([]byte("Unknown")), m.Is([]byte("NA")))
	// Output: true true true false
}

func ExampleTable_At() {
	t, err := dataset.Read(context.Background(), "t.csv", strings.NewReader("x,weight\n1,2\n\n3,-1\n"), dataset.Options{})
	if err != nil {
		log.Fatal(err)
	}
	weight, _ := t.Column("weight")
	fmt.Println(t.At(1, weight, "a weight is negative: %v", weight.Numbers.At(1)))
	// Output: t.csv:4:2: column "weight": a weight is negative: -1
}
