package descent_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
)

// cone is what a linear programme in fractions, apart from package proof, says of the directions d with margins a_i·d ≥ 0.
type cone struct{ a [][]float64 }

// most is the largest c·d over the cone within |d_j| ≤ 1; where margin asks for it the largest t ≤ 1 with a_i·d ≥ t.
func (s cone) most(c []float64, margin bool) float64 {
	n := len(s.a[0])
	size := n
	if margin {
		size++
	}
	// max c·(p - q) with a tableau: rows of g·(p - q) + slack = h ≥ 0, so that p = q = 0 is a start.
	var g [][]float64
	var h []float64
	for _, a := range s.a {
		row := make([]float64, size)
		for j, v := range a {
			row[j] = -v
		}
		if margin {
			row[n] = 1
		}
		g, h = append(g, row), append(h, 0)
	}
	for j := range size {
		up, down := make([]float64, size), make([]float64, size)
		up[j], down[j] = 1, -1
		g, h = append(g, up, down), append(h, 1, 1)
	}
	m := len(g)
	width := 2*size + m + 1
	at := func(v float64) *big.Rat { return new(big.Rat).SetFloat64(v) }
	table := make([][]*big.Rat, m+1)
	basis := make([]int, m)
	for i := range table {
		table[i] = make([]*big.Rat, width)
		for j := range table[i] {
			table[i][j] = new(big.Rat)
		}
		if i == m {
			for j := range size {
				v := 0.0
				if j < len(c) {
					v = c[j]
				}
				if margin && j == n {
					v = 1
				}
				table[m][j], table[m][size+j] = at(-v), at(v)
			}
			break
		}
		for j, v := range g[i] {
			table[i][j], table[i][size+j] = at(v), at(-v)
		}
		table[i][2*size+i].SetInt64(1)
		table[i][width-1] = at(h[i])
		basis[i] = 2*size + i
	}
	x := new(big.Rat)
	for {
		enter := slices.IndexFunc(table[m][:width-1], func(v *big.Rat) bool { return v.Sign() < 0 }) // Bland: it ends
		if enter < 0 {
			f, _ := table[m][width-1].Float64()
			return f
		}
		leave := -1
		var least *big.Rat
		for i := range m {
			if table[i][enter].Sign() <= 0 {
				continue
			}
			q := new(big.Rat).Quo(table[i][width-1], table[i][enter])
			if leave < 0 || q.Cmp(least) < 0 || q.Cmp(least) == 0 && basis[i] < basis[leave] {
				leave, least = i, q
			}
		}
		pivot := new(big.Rat).Inv(table[leave][enter])
		for j := range width {
			table[leave][j].Mul(table[leave][j], pivot)
		}
		for i := range table {
			if f := new(big.Rat).Set(table[i][enter]); i != leave && f.Sign() != 0 {
				for j := range width {
					if table[leave][j].Sign() != 0 {
						table[i][j].Sub(table[i][j], x.Mul(f, table[leave][j]))
					}
				}
			}
		}
		basis[leave] = enter
	}
}

// TestSeparationAgainstProgramme: whether the classes of random small files are separated, how, by which rows and coefficients, is what linear programmes say. The files have
// numbers and levels, rows twice, weights (also 0) and offsets; about half of them are separated.
func TestSeparationAgainstProgramme(t *testing.T) {
	const seed, small = 20240607, 0
	r := rand.New(rand.NewPCG(seed, 1))
	count := 90
	if testing.Short() {
		count = 30
	}
	kinds := map[string]int{}
	for problem := range count {
		m, numbers := 6+r.IntN(20), 1+r.IntN(3)
		levels := []string{"a", "b", "c"}[:1+r.IntN(3)]
		weighted, offset := r.IntN(3) == 0, r.IntN(4) == 0
		direction := make([]float64, numbers+1)
		for j := range direction {
			direction[j] = float64(r.IntN(5) - 2)
		}
		noise := r.IntN(3) // 0: labels by the direction, ties at random; else some labels at random
		var file strings.Builder
		for j := range numbers {
			fmt.Fprintf(&file, "x%d,", j+1)
		}
		file.WriteString("c,s,o,y\n")
		var all cone
		var labels []int
		var lines []string
		for i := range m {
			if i > 0 && r.IntN(6) == 0 { // again
				k := r.IntN(len(lines))
				lines, labels, all.a = append(lines, lines[k]), append(labels, labels[k]), append(all.a, all.a[k])
				continue
			}
			var line strings.Builder
			a := make([]float64, 1+numbers+2)
			a[0] = 1
			z := direction[numbers]
			for j := range numbers {
				x := float64(r.IntN(7) - 3)
				a[1+j] = x
				z += direction[j] * x
				fmt.Fprintf(&line, "%g,", x)
			}
			level := r.IntN(len(levels))
			if level > 0 {
				a[numbers+level] = 1
			}
			y := 0
			if z > 0 || z == 0 && r.IntN(2) == 0 {
				y = 1
			}
			if r.IntN(6) < noise {
				y = r.IntN(2)
			}
			s, o := 1, 0.0
			if weighted {
				s = r.IntN(3)
			}
			if offset {
				o = float64(r.IntN(9)-4) / 2
			}
			fmt.Fprintf(&line, "%s,%d,%g,%d\n", levels[level], s, o, y)
			if y == 0 {
				for j := range a {
					a[j] = -a[j]
				}
			}
			if s == 0 {
				a = nil
			}
			lines, labels, all.a = append(lines, line.String()), append(labels, y), append(all.a, a)
		}
		config := descent.Config{Target: "y", Columns: descent.Columns{Exclude: []string{"s", "o"}}}
		if weighted {
			config.Columns.Weight, config.Columns.Exclude = "s", []string{"o"}
		}
		if offset {
			config.Columns.Offset = "o"
			config.Columns.Exclude = slices.DeleteFunc(config.Columns.Exclude, func(c string) bool { return c == "o" })
		}
		// What the file holds; a level only of rows without a weight is none.
		file.WriteString(strings.Join(lines, ""))
		both := map[int]bool{}
		first := ""
		for i, a := range all.a {
			if a != nil {
				both[labels[i]] = true
				if level := strings.Split(lines[i], ",")[numbers]; first == "" || level < first {
					first = level
				}
			}
		}
		all.a = slices.DeleteFunc(all.a, func(a []float64) bool { return a == nil })
		if len(both) < 2 || first != "a" {
			continue
		}
		fit, err := descent.Fit(t.Context(), text(file.String()), config)
		if fit == nil || err != nil && fit.Verdict != descent.Separated {
			t.Fatalf("problem %d: %v\n%s", problem, err, file.String())
		}
		sum := make([]float64, len(all.a[0]))
		told := 0
		for _, a := range all.a {
			for j, v := range a {
				sum[j] += v
			}
			if all.most(a, false) > small {
				told++
			}
		}
		separated := all.most(sum, false) > small
		if separated != (fit.Verdict == descent.Separated) {
			t.Fatalf("problem %d: verdict %s, the programme says %v\n%s", problem, fit.Verdict, separated, file.String())
		}
		if !separated {
			kinds["overlap"]++
			continue
		}
		s := fit.Separation
		kind := "quasi-complete"
		if all.most(make([]float64, len(sum)), true) > small {
			kind = "complete"
		}
		kinds[kind]++
		if s.Kind != kind || s.Kind == "quasi-complete" && (s.Rows != told || s.Left != len(all.a)-told) {
			t.Fatalf("problem %d: %s, %d rows told and %d left; the programme says %s and %d of %d\n%s", problem, s.Kind, s.Rows, s.Left, kind, told, len(all.a), file.String())
		}
		if len(fit.Aliased) > 0 {
			continue // coefficients are those of the columns that are left
		}
		at := map[string]int{"(intercept)": 0, "c=b": numbers + 1, "c=c": numbers + 2}
		for j := range numbers {
			at[fmt.Sprintf("x%d", j+1)] = 1 + j
		}
		reach := func(name string, sign float64) bool {
			c := make([]float64, len(sum))
			c[at[name]] = sign
			return all.most(c, false) > small
		}
		for _, x := range s.Infinite {
			if sign := map[string]float64{"+": 1, "-": -1}[x.Sign]; !reach(x.Name, sign) {
				t.Errorf("problem %d: %s is said to tend to %s∞, and no direction does that\n%s", problem, x.Name, x.Sign, file.String())
			}
		}
		for _, x := range s.Finite {
			if math.IsNaN(x.Estimate) || reach(x.Name, 1) || reach(x.Name, -1) {
				t.Errorf("problem %d: %s is said to tend to %g, and a direction moves it\n%s", problem, x.Name, x.Estimate, file.String())
			}
		}
	}
	t.Logf("seed %d: %v", seed, kinds)
	for _, k := range []string{"overlap", "quasi-complete", "complete"} {
		if kinds[k] < count/20 {
			t.Errorf("only %d problems are %s", kinds[k], k)
		}
	}
}
