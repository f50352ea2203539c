package descent

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/descent-ml/descent/graph"
)

func fitL1(t *testing.T, data string, c Config) *Result {
	t.Helper()
	if c.Target == "" {
		c.Target = "y"
	}
	r, err := Fit(t.Context(), Reader("data.csv", strings.NewReader(data)), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// classData are random rows of K classes; the first three of the five columns matter. Column five is unit times what it would be.
func classData(seed uint64, rows, K int, unit float64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	b.WriteString("x1,x2,x3,x4,x5,y\n")
	w := make([]float64, 3*K)
	for i := range w {
		w[i] = r.NormFloat64()
	}
	for range rows {
		best, y := math.Inf(-1), 0
		x := make([]float64, 5)
		for j := range x {
			x[j] = math.Round(1e4*r.NormFloat64()) / 1e4
		}
		for k := range K {
			z := -math.Log(-math.Log(r.Float64()))
			for j := range 3 {
				z += w[3*k+j] * x[j]
			}
			if z > best {
				best, y = z, k
			}
		}
		fmt.Fprintf(&b, "%g,%g,%g,%g,%g,%c\n", x[0], x[1], x[2], x[3], unit*x[4], 'a'+rune(y))
	}
	return b.String()
}

// TestL1Graph: J stands in the graph with the L1 term above the mean, and what runs is without it.
func TestL1Graph(t *testing.T) {
	c, err := newCost(Equations, size{inputs: 3, sets: 1}, true, Penalty{L1: 2, L2: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{c.root: "mean(s*L) + sum(lambda*w*w)/(2*m)", c.whole: "F + sum(lambda1*abs(w))/m"} {
		d, ok := c.graph.Def(name)
		if !ok || d.Written.String() != want {
			t.Errorf("%s = %v, want %s", name, d.Written, want)
		}
	}
	if c.root != "F" || c.whole != "J" {
		t.Errorf("%s and %s, want F and J", c.root, c.whole)
	}
	root, _ := c.graph.Lookup(c.root)
	for _, n := range graph.Below(root) {
		if n.Op != nil && n.Op.Name == "abs" {
			t.Error("F has an abs")
		}
	}
	// A user's F and J are left alone.
	if c, err = newCost("F = dot(w, x) + b\nJ = softplus(F) - y*F", size{inputs: 2, sets: 1}, false, Penalty{L1: 1}); err != nil || c.root != "F_" || c.whole != "J_" {
		t.Errorf("%v, %v, %v; want F_ and J_", c.root, c.whole, err)
	}

	// The graph's J at the model is the cost that was reported.
	text, err := os.ReadFile("testdata/pima/pima.csv")
	if err != nil {
		t.Fatal(err)
	}
	r := fitL1(t, string(text), Config{Target: "diabetes", Penalty: Penalty{L1: 5, L2: 2}})
	J := r.Loss
	for _, co := range r.Coefficients[1:] {
		J += (5*math.Abs(co.Scaled) + co.Scaled*co.Scaled) / 768
	}
	if math.Abs(J-r.Cost) > 1e-15 {
		t.Errorf("J = %.17g, of its parts %.17g", r.Cost, J)
	}
	if lines, err := r.Model.CostEquations(); err != nil || strings.Join(lines, "\n") != "F = mean(L) + sum(lambda*w*w)/(2*m)\nJ = F + sum(lambda1*abs(w))/m" {
		t.Errorf("%q, %v", lines, err)
	}
}

// TestL1Refuses: methods that go by derivatives are not for |w|, and numbers must make sense.
func TestL1Refuses(t *testing.T) {
	for _, m := range []string{"gd", "sgd", "lbfgs", "newton"} {
		err := Config{Target: "y", Penalty: Penalty{L1: 1}, Solver: Solver{Method: m}}.Check()
		if err == nil || !strings.Contains(err.Error(), "solver "+m) {
			t.Errorf("%s: %v", m, err)
		}
	}
	for _, l1 := range []float64{-1, math.NaN(), math.Inf(1)} {
		if err := (Config{Target: "y", Penalty: Penalty{L1: l1}}).Check(); err == nil {
			t.Errorf("l1 %v is taken", l1)
		}
	}
}

// TestL1AllZero: from the largest derivative at w = 0 on, every weight is exactly 0; just below, one is not. Of two classes and of three.
func TestL1AllZero(t *testing.T) {
	for _, K := range []int{2, 3} {
		data := classData(1, 200, K, 1)
		free := fitL1(t, data, Config{Penalty: Penalty{L1: 1e6}})
		// (1/m) Σ r x̃, of the model of intercepts alone, by the definition.
		lines := strings.Split(strings.TrimSpace(data), "\n")[1:]
		x := make([][]float64, len(lines))
		label := make([]int, len(lines))
		share := make([]float64, K)
		for i, line := range lines {
			x[i] = make([]float64, 5)
			var y string
			fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "%g %g %g %g %g %s", &x[i][0], &x[i][1], &x[i][2], &x[i][3], &x[i][4], &y)
			label[i] = int(y[0] - 'a')
			share[label[i]] += 1 / float64(len(lines))
		}
		var largest float64
		for j := range 5 {
			var mean, sd float64
			for i := range x {
				mean += x[i][j] / float64(len(x))
			}
			for i := range x {
				sd += (x[i][j] - mean) * (x[i][j] - mean) / float64(len(x))
			}
			for k := range K {
				var g float64
				for i := range x {
					r := share[k]
					if label[i] == k {
						r--
					}
					g += r * (x[i][j] - mean) / math.Sqrt(sd)
				}
				largest = math.Max(largest, math.Abs(g))
			}
		}
		count := func(r *Result) (n int) {
			if r.Verdict != Converged || r.Solver != "proximal" || len(r.Aliased) > 0 {
				t.Errorf("%s by %s: %s", r.Verdict, r.Solver, r.Message)
			}
			for _, c := range r.Coefficients {
				if c.Name != interceptName && c.Estimate != 0 {
					n++
				}
			}
			return n
		}
		above := fitL1(t, data, Config{Penalty: Penalty{L1: largest * (1 + 1e-9)}})
		below := fitL1(t, data, Config{Penalty: Penalty{L1: largest * (1 - 1e-6)}})
		if count(free) != 0 || count(above) != 0 || count(below) == 0 {
			t.Errorf("%d classes: %d, %d and %d weights are not 0, want 0, 0 and some", K, count(free), count(above), count(below))
		}
		if free.StatisticsNote == "" || free.AIC != nil || free.Coefficients[0].StdError != nil {
			t.Error("there are statistics, or no note why not")
		}
	}
}

// TestL1Unit: what the unit of a column is changes nothing where columns are standardised, and with --scale none λ1 acts on the raw weight.
func TestL1Unit(t *testing.T) {
	for _, K := range []int{2, 3} {
		one, far := classData(2, 300, K, 1), classData(2, 300, K, 1024)
		a, b := fitL1(t, one, Config{Penalty: Penalty{L1: 2}}), fitL1(t, far, Config{Penalty: Penalty{L1: 2}})
		for i := range a.Coefficients {
			if d := math.Abs(a.Coefficients[i].Scaled - b.Coefficients[i].Scaled); d > 1e-9 {
				t.Errorf("%d classes: %s differs by %g", K, a.Coefficients[i].Name, d)
			}
		}
		// Raw: the cost at the reported, raw weights.
		for _, p := range []Penalty{{L1: 2}, {L1: 2, L2: 3}} {
			r := fitL1(t, far, Config{Penalty: p, Scale: ScaleNone})
			J := r.Loss
			for _, c := range r.Coefficients {
				if c.Name != interceptName {
					J += (p.L1*math.Abs(c.Estimate) + p.L2/2*c.Estimate*c.Estimate) / 300
				}
			}
			if math.Abs(J-r.Cost) > 1e-14 || r.Verdict != Converged {
				t.Errorf("%d classes, %v: J = %.17g, of its parts %.17g; %s", K, p, r.Cost, J, r.Verdict)
			}
			if d := math.Abs(r.Train.LogLoss - r.Loss); d > 1e-14 {
				t.Errorf("%d classes: log loss %g, loss %g", K, r.Train.LogLoss, r.Loss)
			}
		}
	}
}

// TestL1Balance: four classes and an L1 penalty alone leave a choice. It is where the elastic net goes, and the cost is the same.
func TestL1Balance(t *testing.T) {
	for seed := range uint64(5) {
		data := classData(seed, 400, 4, 1)
		r, near := fitL1(t, data, Config{Penalty: Penalty{L1: 1}}), fitL1(t, data, Config{Penalty: Penalty{L1: 1, L2: 1e-5}})
		J, sum := r.Loss, map[string]float64{}
		for i, c := range r.Coefficients {
			if d := math.Abs(c.Scaled - near.Coefficients[i].Scaled); d > 1e-3 {
				t.Errorf("seed %d: %s of %s is %g, with a little L2 %g", seed, c.Name, c.Class, c.Scaled, near.Coefficients[i].Scaled)
			}
			sum[c.Name] += c.Scaled
			if c.Name != interceptName {
				J += math.Abs(c.Scaled) / 400
			}
		}
		if math.Abs(J-r.Cost) > 1e-13 {
			t.Errorf("seed %d: J = %.17g, at the weights reported %.17g", seed, r.Cost, J)
		}
		if math.Abs(sum[interceptName]) > 1e-12 {
			t.Errorf("the intercepts add up to %g", sum[interceptName])
		}
		if r.Parameters != 24 || r.ReferenceClass != nil {
			t.Errorf("%d parameters, reference %v", r.Parameters, r.ReferenceClass)
		}
	}
	for _, c := range []struct{ v, want []float64 }{{[]float64{3, -1, 0}, []float64{0, 0}}, {[]float64{4, 1, 2, -5}, []float64{1, 2}}, {[]float64{7}, []float64{7, 7}}} {
		if low, high := middle(c.v); low != c.want[0] || high != c.want[1] {
			t.Errorf("the middle of %v is %g, %g", c.v, low, high)
		}
	}
}

// TestL1SameBits: the model has the same bytes on any number of threads, and reads back as it was.
func TestL1SameBits(t *testing.T) {
	data := classData(3, 5000, 3, 1)
	var first []byte
	for _, threads := range []int{1, 3} {
		r := fitL1(t, data, Config{Penalty: Penalty{L1: 3, L2: 1}, Solver: Solver{Threads: threads}})
		var b bytes.Buffer
		if err := r.Model.Write(&b); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(first, b.Bytes()) {
			t.Errorf("%d threads give other bytes", threads)
		}
	}
	path := filepath.Join(t.TempDir(), "m.json")
	if err := os.WriteFile(path, first, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Penalty() != (Penalty{L1: 3, L2: 1}) {
		t.Errorf("penalty %v", m.Penalty())
	}
}

// TestL1OwnEquations: a loss of one's own has an L1 penalty, too. Label smoothing is log loss and has its bound; squared error and a bounded loss have none.
func TestL1OwnEquations(t *testing.T) {
	data := classData(4, 300, 2, 1)
	for _, c := range []struct {
		equations string
		want      Verdict
		bound     bool
	}{
		{"z = dot(w, x) + b\nt = 0.9*y + 0.05\nL = softplus(z) - t*z", Converged, true},
		{"z = dot(w, x) + b\na = sigmoid(z)\nL = (a - y)^2", Stationary, false},
		{"z = dot(w, x) + b\nL = tanh(z*(0.5 - y))", Stationary, false},
	} {
		r := fitL1(t, data, Config{Penalty: Penalty{L1: 20}, Equations: c.equations})
		if r.Verdict != c.want || (r.Gap != nil) != c.bound {
			t.Errorf("%s\n%s: %s, gap %v", c.equations, r.Verdict, r.Message, r.Gap)
		}
		zeros := 0
		for _, co := range r.Coefficients {
			if co.Estimate == 0 {
				zeros++
			}
		}
		if zeros == 0 {
			t.Errorf("%s: no weight is 0", c.equations)
		}
	}
}
