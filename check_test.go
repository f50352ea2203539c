package descent_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/graph"
)

const (
	focalLoss  = "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))"
	smoothLoss = "z = dot(w, x) + b\na = sigmoid(z)\nt = 0.9*y + 0.05\nL = -(t*log(a) + (1-t)*log(1-a))"
)

// TestCheckGradient: three files, three losses, with and without fused kernels, at random and trained weights.
func TestCheckGradient(t *testing.T) {
	ctx := context.Background()
	for _, file := range []struct {
		name, path string
		config     descent.Config
	}{
		{"pima", "pima/pima.csv", descent.Config{Target: "diabetes"}},
		{"heart_scale", "heart_scale/heart_scale", descent.Config{}},
		{"levels", "bad/train_ok.csv", descent.Config{Target: "passed", Penalty: descent.Penalty{L2: 2}}},
		{"levels, raw penalty", "bad/train_ok.csv", descent.Config{Target: "passed", Penalty: descent.Penalty{L2: 2}, Scale: descent.ScaleNone, Encoding: encode.Options{Coding: encode.CodingFull}}},
	} {
		source := descent.File(filepath.Join("testdata", filepath.FromSlash(file.path)))
		for loss, equations := range map[string]string{"log": "", "focal": focalLoss, "smooth": smoothLoss} {
			t.Run(file.name+"/"+loss, func(t *testing.T) {
				config := file.config
				config.Equations = equations
				result, err := descent.Fit(ctx, source, config)
				if err != nil {
					t.Fatal(err)
				}
				for name, c := range map[string]descent.CheckConfig{
					"random": {Config: config},
					"few":    {Config: config, Rows: 40},
					"model":  {Config: config, Model: result.Model},
				} {
					if name == "random" {
						c.WithoutFused()
					}
					r, err := descent.CheckGradient(ctx, source, c)
					if err != nil {
						t.Fatal(err)
					}
					if !r.OK || r.GraphVsProgram > descent.ProgramTolerance || r.GraphVsDifference > descent.DifferenceTolerance {
						t.Errorf("%s: %+v", name, r)
					}
					if c.Rows > 0 && r.Rows != c.Rows {
						t.Errorf("%s: %d rows, want %d", name, r.Rows, c.Rows)
					}
				}
			})
		}
	}
}

// TestCheckClasses: the same with three classes, levels, weights and an offset.
func TestCheckClasses(t *testing.T) {
	ctx := context.Background()
	const smooth = "z = dot(W, x) + b\na = softmax(z)\nL = -sum((0.9*y + 0.1/3)*log(a))"
	iris := descent.File(filepath.Join("testdata", "iris", "iris.csv"))
	for _, test := range []struct {
		name   string
		source func() descent.Source
		config descent.Config
	}{
		{"iris", func() descent.Source { return iris }, descent.Config{Target: "species", Penalty: descent.Penalty{L2: 1}}},
		{"iris, raw penalty", func() descent.Source { return iris }, descent.Config{Target: "species", Penalty: descent.Penalty{L2: 1}, Scale: descent.ScaleNone}},
		{"iris, smooth", func() descent.Source { return iris }, descent.Config{Target: "species", Penalty: descent.Penalty{L2: 1}, Equations: smooth}},
		{"overlap", func() descent.Source { return text(threeClasses) }, descent.Config{Target: "y", Columns: descent.Columns{Weight: "s", Offset: "o"}}},
	} {
		config := test.config
		config.Labels.Softmax = true
		result, err := descent.Fit(ctx, test.source(), config)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for name, c := range map[string]descent.CheckConfig{
			"random": {Config: config},
			"few":    {Config: config, Rows: 7},
			"model":  {Config: config, Model: result.Model},
		} {
			if name == "random" {
				c.WithoutFused()
			}
			r, err := descent.CheckGradient(ctx, test.source(), c)
			if err != nil {
				t.Errorf("%s: %s: %v", test.name, name, err)
				continue
			}
			if !r.OK || r.Parameters != 15 && r.Parameters != 12 || !strings.Contains(r.Worst.Parameter, " of ") {
				t.Errorf("%s: %s: %+v", test.name, name, r)
			}
			if name == "model" && math.Abs(r.Points[1].Cost-result.Cost) > 1e-13 {
				t.Errorf("%s: J = %v at the model, Fit has %v", test.name, r.Points[1].Cost, result.Cost)
			}
		}
	}
}

// TestCheckWideClasses: moving dot(W, x) gives the differences of moving W.
func TestCheckWideClasses(t *testing.T) {
	var csv strings.Builder
	const n, m = 90, 600
	for j := range n {
		fmt.Fprintf(&csv, "x%d,", j)
	}
	csv.WriteString("y\n")
	for i := range m {
		for j := range n {
			fmt.Fprintf(&csv, "%d,", (i*i+7*j*i+j*j*j)%19)
		}
		fmt.Fprintf(&csv, "%d\n", (i*i/3+i/7)%3)
	}
	for _, equations := range []string{"", "v = W*W\nz = dot(W, x) + b + 0.001*sum(v)\na = softmax(z)\nL = -sum(y*log(a)) + 0.01*sum(v)"} { // the second has W elsewhere, too
		rows := m
		if equations != "" {
			rows = 60 // the long way
		}
		r, err := descent.CheckGradient(context.Background(), descent.Reader("wide.csv", strings.NewReader(csv.String())),
			descent.CheckConfig{Config: descent.Config{Target: "y", Equations: equations}, Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		if !r.OK {
			t.Errorf("%+v", r)
		}
	}
}

// TestCheckSeesABrokenRule: the check is worth something only if it fails where the simplifier is wrong.
func TestCheckSeesABrokenRule(t *testing.T) {
	c := descent.CheckConfig{Config: descent.Config{Target: "diabetes"}}
	c.WithRules(func(rules []graph.Rule) []graph.Rule {
		for i := range rules {
			if rules[i].Name == "log-sigmoid" {
				rules[i].After = "-softplus(u)"
			}
		}
		return rules
	})
	r, err := descent.CheckGradient(context.Background(), descent.File(filepath.Join("testdata", "pima", "pima.csv")), c)
	if err == nil && r.OK {
		t.Errorf("a wrong rule went unseen: %+v", r)
	}
}

// TestCheckWide: the short way for many inputs gives the differences of the long way.
func TestCheckWide(t *testing.T) {
	var csv strings.Builder
	const n, m = 220, 700
	for j := range n {
		fmt.Fprintf(&csv, "x%d,", j)
	}
	csv.WriteString("y\n")
	for i := range m {
		for j := range n {
			fmt.Fprintf(&csv, "%d,", (i*i+7*j*i+j*j*j)%19)
		}
		fmt.Fprintf(&csv, "%d\n", (i*i/3+i/7)%2)
	}
	for _, equations := range []string{"", "v = w*w\nz = dot(w, x) + b + 0.001*sum(v)\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))"} { // the second has w elsewhere, too
		r, err := descent.CheckGradient(context.Background(), descent.Reader("wide.csv", strings.NewReader(csv.String())),
			descent.CheckConfig{Config: descent.Config{Target: "y", Equations: equations}, Rows: m})
		if err != nil {
			t.Fatal(err)
		}
		if !r.OK {
			t.Errorf("%+v", r)
		}
	}
}

func TestCheckErrors(t *testing.T) {
	for _, test := range []struct{ name, csv, equations, want string }{
		{"no rows", "x,y\n", "", "no data rows"},
		{"bad cell", "x,y\n1,0\n2,1\na,0\n4,1\n", "", "t.csv:4:1"},
		{"not finite", "x,y\n1,0\n2,1\n3,0\n4,1\n", "z = dot(w, x) + b\nL = y*exp(1000*exp(z*z)) + z", "not finite"},
		{"no loss of w", "x,y\n1,0\n2,1\n3,0\n4,1\n", "L = (b - y)^2", "does not depend on w"},
	} {
		_, err := descent.CheckGradient(context.Background(), text(test.csv), descent.CheckConfig{Config: descent.Config{Target: "y", Equations: test.equations}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func ExampleCheckGradient() {
	r, err := descent.CheckGradient(context.Background(), descent.File("testdata/pima/pima.csv"), descent.CheckConfig{Config: descent.Config{Target: "diabetes"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Rows, "rows,", r.Parameters, "parameters:", r.OK)
	// Output: 768 rows, 9 parameters: true
}
