package dataset_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/dataset"
)

// TestGrouped: rows of counts become rows of outcomes that know their group and its line; what is wrong is said at its place.
func TestGrouped(t *testing.T) {
	read := func(text string) *dataset.Table {
		t.Helper()
		table, err := dataset.Read(context.Background(), "g.csv", strings.NewReader(text), dataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	g, err := read("site,s,x,f\na,2,1,3\n\nb,0,NA,0\nc,1,NA,0\na,0,7,4\n").Grouped("s", "f", "y", "w")
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) *dataset.Column {
		c, ok := g.Column(name)
		if !ok {
			t.Fatalf("no column %s", name)
		}
		return c
	}
	if _, ok := g.Column("s"); ok || g.Rows != 4 {
		t.Errorf("%d rows", g.Rows)
	}
	var lines, origins []int
	for row := range g.Rows {
		lines, origins = append(lines, g.Line(row)), append(origins, g.Origin(row))
	}
	if !slices.Equal(lines, []int{2, 2, 5, 6}) || !slices.Equal(origins, []int{0, 0, 2, 3}) {
		t.Errorf("lines %v, origins %v", lines, origins)
	}
	y, x, site := column("y"), column("x"), column("site")
	if !slices.Equal(y.Codes, []int32{1, 0, 1, 0}) || !slices.Equal(y.Levels, []string{"f", "s"}) || !slices.Equal(column("w").Numbers.Float64s(), []float64{2, 3, 1, 4}) {
		t.Errorf("labels %v of %v, weights %v", y.Codes, y.Levels, column("w").Numbers.Float64s())
	}
	if row, text, ok := x.FirstMissing(); x.Missing != 1 || !ok || row != 2 || text != "NA" || x.Numbers.At(3) != 7 {
		t.Errorf("x: %d missing, first %d %q", x.Missing, row, text)
	}
	if got := g.At(2, x, "here").Error(); got != `g.csv:5:3: column "x": here` {
		t.Error(got)
	}
	if !slices.Equal(site.Counts, []int{3, 0, 1}) || !slices.Equal(site.First, []int{0, -1, 2}) {
		t.Errorf("levels %v: %v first at %v", site.Levels, site.Counts, site.First)
	}
	// Two pairs of counts, one after the other: rows are those of the table at hand, and lines those of the file.
	twice := read("s,f,u,v,x\n0,0,1,1,4\n0,0,1,1,5\n1,1,0,2,6\n3,0,4,0,7\n0,0,1,1,8\n")
	for _, of := range [][4]string{{"s", "f", "y", "w"}, {"u", "v", "y2", "w2"}} {
		if twice, err = twice.Grouped(of[0], of[1], of[2], of[3]); err != nil {
			t.Fatal(err)
		}
	}
	x, _ = twice.Column("x")
	if got := x.Numbers.Float64s(); !slices.Equal(got, []float64{6, 6, 7}) || twice.Line(0) != 4 || twice.Line(2) != 5 {
		t.Errorf("x %v, lines %d %d", got, twice.Line(0), twice.Line(2))
	}
	for text, want := range map[string]string{
		"s,f\n1,-1\n":  `g.csv:2:2: column "f": -1 is not a whole number`,
		"s,f\n,1\n":    `g.csv:2:1: column "s": the count is missing`,
		"s,f\nx,1\n":   `column "s": counts must be numbers`,
		"s,g\n1,1\n":   `no column "f"`,
		"s,f,w\n1,1,1": `there is a column "w" already`,
	} {
		if _, err := read(text).Grouped("s", "f", "y", "w"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
