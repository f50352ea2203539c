package exercise_test

import (
	"bufio"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/descent-ml/descent/exercise"
	"github.com/descent-ml/descent/graph"
)

// model is one of the settings of testdata.
func model(t testing.TB, setting string) exercise.Model {
	t.Helper()
	row := graph.Shape{PerRow: true}
	lecture := exercise.Model{
		Equations: "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		Leaves: []graph.Leaf{
			{Kind: graph.Parameter, Name: "b"},
			{Kind: graph.Input, Name: "y", Shape: row},
			{Kind: graph.Input, Name: "x", Shape: graph.Vector(3).EachRow()},
			{Kind: graph.Parameter, Name: "w", Shape: graph.Vector(3)},
		},
	}
	layered := lecture
	layered.Sizes = map[string]int{"n": 3, "K": 2}
	switch setting {
	case "lecture":
		return lecture
	case "l2":
		lecture.Penalised = []string{"w"}
		return lecture
	case "weights":
		lecture.Weighted = true
		return lecture
	case "hidden":
		layered.Equations = "V = parameter(4, n)\nc = parameter(4)\nw = parameter(4)\nh = tanh(dot(V, x) + c)\nz = dot(w, h) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))"
		return layered
	case "squared":
		lecture.Equations = "z = dot(w, x) + b\na = sigmoid(z)\nL = (a-y)^2/2"
		return lecture
	case "softmax":
		y := graph.Leaf{Kind: graph.Input, Name: "y", Shape: graph.Vector(4).EachRow(), Fact: graph.Fact{Total: big.NewRat(1, 1)}}
		return exercise.Model{
			Equations: "z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))",
			Leaves: []graph.Leaf{
				{Kind: graph.Parameter, Name: "b", Shape: graph.Vector(4)}, y,
				{Kind: graph.Input, Name: "x", Shape: graph.Vector(3).EachRow()},
				{Kind: graph.Parameter, Name: "W", Shape: graph.Matrix(4, 3)},
			},
		}
	}
	t.Fatalf("no setting is called %q", setting)
	return exercise.Model{}
}

func newExercise(t testing.TB, setting string) *exercise.Exercise {
	t.Helper()
	m := model(t, setting)
	points, err := exercise.RandomPoints(m, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := exercise.New(m, points)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// cases reads a table of testdata: fields between |, # begins a comment line, a setting stands in brackets.
func cases(t testing.TB, file string, each func(setting string, fields []string)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	setting := "lecture"
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			setting = strings.Trim(line, "[]")
		default:
			fields := strings.Split(line, " | ")
			for i := range fields {
				fields[i] = strings.TrimSpace(fields[i])
			}
			each(setting, fields)
		}
	}
}

// TestMistakes: of every mistake the first wrong node and the kind are named.
func TestMistakes(t *testing.T) {
	count := 0
	cases(t, "testdata/mistakes.txt", func(setting string, f []string) {
		count++
		r, err := newExercise(t, setting).Judge(f[0])
		if err != nil {
			t.Errorf("%s: %s: %v", setting, f[0], err)
			return
		}
		if r.OK || r.FirstWrong != f[1] {
			t.Errorf("%s: %s: first wrong %q, want %q: %+v", setting, f[0], r.FirstWrong, f[1], r.Mine)
			return
		}
		for _, j := range r.Mine {
			if !j.FirstWrong {
				continue
			}
			if j.Mistake != f[2] || len(f) > 3 && !strings.Contains(j.Hint, f[3]) {
				t.Errorf("%s: %s\n\t%s: %s, want %s", setting, f[0], j.Mistake, j.Hint, strings.Join(f[2:], ": "))
			}
			t.Logf("%-60s %-14s %s", f[0], j.Mistake, j.Hint)
		}
	})
	if count < 40 {
		t.Errorf("%d mistakes are few", count)
	}
}

// TestRight: what is right is never called wrong, and proved where the table says so.
func TestRight(t *testing.T) {
	cases(t, "testdata/right.txt", func(setting string, f []string) {
		r, err := newExercise(t, setting).Judge(f[0])
		if err != nil {
			t.Errorf("%s: %s: %v", setting, f[0], err)
			return
		}
		if !r.OK || r.FirstWrong != "" {
			t.Errorf("%s: %s: called wrong: %+v", setting, f[0], r.Mine)
		}
		for _, j := range r.Mine {
			if j.Mistake != "" || !j.OK {
				t.Errorf("%s: %s: %s: %s", setting, f[0], j.Mistake, j.Hint)
			}
			if !j.Proved && (len(f) < 2 || f[1] != "points") {
				t.Errorf("%s: %s: %s is not proved", setting, f[0], j.Node)
			}
			if j.Proved && len(f) > 1 && f[1] == "points" {
				t.Errorf("%s: %s: %s is proved after all", setting, f[0], j.Node)
			}
		}
	})
}

// TestUpstream: an equation is judged with the graph's values of what it uses, and with the learner's.
func TestUpstream(t *testing.T) {
	for _, c := range []struct {
		mine                     string
		node                     string
		ok, withGraph, withYours bool
	}{
		{"dz = y - a; dw = mean(x*dz)", "dw", true, true, false},
		{"dz = y - a; dw = -mean(x*dz)", "dw", true, false, true},
		{"dz = (a - y)/m; dw = sum(x*dz)", "dw", true, false, true},
		{"dz = a - y; dw = sum(x*dz)", "dw", false, false, false},
		{"e = y - a; dz = e; dw = mean(x*e)", "dw", false, false, false},
		{"da = y/a - (1-y)/(1-a); dz = da*a*(1-a)", "dz", true, true, false},
		{"a = tanh(z); dz = a - y; db = mean(dz)", "db", true, true, false},
	} {
		r, err := newExercise(t, "lecture").Judge(c.mine)
		if err != nil {
			t.Fatal(err)
		}
		if r.OK {
			t.Errorf("%s: called right", c.mine)
		}
		for _, j := range r.Mine {
			if j.Node == c.node && (j.OK != c.ok || j.WithGraph != c.withGraph || j.WithYours != c.withYours) {
				t.Errorf("%s: %+v", c.mine, j)
			}
		}
	}
}

// TestErrors: what cannot be read is an error with its place.
func TestErrors(t *testing.T) {
	for mine, want := range map[string]string{
		"":                                  "line 1, column 1: there is no equation",
		"dz":                                "line 1, column 1: want name = expression",
		"dz = a - y\n dw = x*":              "line 2, column 9: ",
		"dz = a - q":                        "line 1, column 10: unknown name q",
		"dz = foo(a)":                       "line 1, column 6: no function is called foo",
		"w = w - alpha*dw":                  "line 1, column 1: w is a parameter",
		"x = 1":                             "line 1, column 1: x is given",
		"dz = a - y; dz = y - a":            "line 1, column 13: dz has an equation already",
		"dz = sigmoid(a, y)":                "sigmoid takes 1 argument, not 2",
		"dw1 /= m":                          "has no value yet",
		"dz = a[0] - y":                     "line 1, column 6: ",
		"dZ = A - Y; dz = a - y":            "dz has two equations",
		"db = sum(dz, axis=3)":              "the axis of sum is 0 or 1",
		"dz = " + strings.Repeat("(", 3000): "brackets inside each other",
		"dw9 = x1*dz":                       "there is no equation for",
		"dw = lambda*w":                     "unknown name lambda",
		"dz = a - y\x00":                    "line 1, column 11",
		"dz = \xff":                         "not UTF-8",
	} {
		_, err := newExercise(t, "lecture").Judge(mine)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", mine, err, want)
		}
	}
}

// TestBudget: what nothing explains is given up soon, and is not called right.
func TestBudget(t *testing.T) {
	e := newExercise(t, "lecture")
	for _, mine := range []string{
		"dz = exp(a*y) + log(z^2 + 1) - tanh(z)*x1", "dw = mean(x*exp(z)*sin) ", "dz = 0", "dz = 1/0", "dz = log(0-1)", "dw = 0", "dw = w", "db = m",
		"dz = " + strings.Repeat("a*(y+", 40) + "z" + strings.Repeat(")", 40),
	} {
		r, err := e.Judge(mine)
		if err == nil && (r.OK || r.FirstWrong == "") {
			t.Errorf("%s: %+v", mine, r)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, file := range []string{"testdata/mistakes.txt", "testdata/right.txt"} {
		cases(f, file, func(_ string, fields []string) { f.Add(fields[0]) })
	}
	e := newExercise(f, "lecture")
	f.Fuzz(func(t *testing.T, mine string) {
		if len(mine) > 200 {
			t.Skip()
		}
		if r, err := e.Judge(mine); err == nil && len(r.Mine) == 0 {
			t.Errorf("%q: no judgement and no error", mine)
		}
	})
}
