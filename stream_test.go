package descent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
)

// streamRow is a row of generated data.
type streamRow struct {
	y       int
	numbers []float64 // NaN: missing
	levels  []string
	s, o    float64
}

// streamRows are rows whose columns are of very different sizes and offsets, with levels that come late.
func streamRows(seed uint64, m int) []streamRow {
	r := rand.New(rand.NewPCG(seed, 5))
	rows := make([]streamRow, m)
	for i := range rows {
		x := []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		level := fmt.Sprintf("l%d", r.IntN(2+i/200))
		side := r.IntN(2)
		z := 0.8*x[0] - 0.5*x[1] + 0.3*x[2] + 0.4*float64(side) - 0.5
		if level == "l1" {
			z++
		}
		row := streamRow{numbers: []float64{math.Round(1000 * x[0]), 1e9 + math.Round(x[1]*64)/64, math.Round(x[2]*1e6) / 1e9}, levels: []string{level, []string{"no", "yes"}[side]},
			s: float64(r.IntN(3)), o: math.Round(r.NormFloat64()*8) / 64}
		if r.Float64() < 1/(1+math.Exp(-z-row.o)) {
			row.y = 1
		}
		if r.IntN(15) == 0 {
			row.numbers[0] = math.NaN()
		}
		rows[i] = row
	}
	return rows
}

func streamCSV(rows []streamRow) string {
	var b strings.Builder
	b.WriteString("y,a,b,c,level,side,s,o\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%d", r.y)
		for _, x := range r.numbers {
			b.WriteByte(',')
			if x == x {
				b.WriteString(strconv.FormatFloat(x, 'f', -1, 64))
			}
		}
		fmt.Fprintf(&b, ",%s,%s,%v,%v\n", r.levels[0], r.levels[1], r.s, r.o)
	}
	return b.String()
}

// streamReference is the algorithm of optim.AdaGrad as its text has it: rows one by one, moments from all rows so far, every average summed in full. It returns the progressive
// loss, and the weights of the result in the units of the file by the names of terms.
func streamReference(rows []streamRow, alpha, epsilon, l2 float64, batch int) (progressive float64, result map[string]float64) {
	type state struct{ w, squares, rate, linear, sum float64 }
	all := map[string]*state{}
	at := func(name string) *state {
		if all[name] == nil {
			all[name] = &state{}
		}
		return all[name]
	}
	names := []string{"a", "b", "c"}
	intercept, interceptSum := 0.0, 0.0 // of x - shift, shift near the means of all rows, so that few digits are lost
	shift := []float64{0, 1e9, 0}
	bias := state{}
	var used []streamRow
	for _, r := range rows {
		if r.s > 0 {
			used = append(used, r)
		}
	}
	var total, weight, active, averaged float64
	for step, from := 1, 0; from < len(used); step, from = step+1, from+batch {
		to := min(from+batch, len(used))
		// Mean, deviation and size of every column, from all rows up to here.
		mean, deviation, size := make([]float64, 3), make([]float64, 3), make([]float64, 3)
		for j := range mean {
			var s, sum float64
			for _, r := range used[:to] {
				if x := r.numbers[j]; x == x {
					s, sum = s+r.s, sum+r.s*(x-shift[j])
				}
			}
			mean[j] = sum / s
			var square, far float64
			for _, r := range used[:to] {
				if x := r.numbers[j]; x == x {
					d := x - shift[j] - mean[j]
					square, far = square+r.s*d*d, math.Max(far, math.Abs(d))
				}
			}
			deviation[j] = math.Sqrt(square / s)
			size[j] = math.Max(deviation[j], far/10)
		}
		inputs := func(r *streamRow) map[string]float64 { // x less the mean, and what is 1
			x := map[string]float64{}
			for j, name := range names {
				if v := r.numbers[j]; v == v {
					x[name] = v - shift[j] - mean[j]
				} else {
					x[name+"=missing"] = 1
				}
			}
			x["level="+r.levels[0]] = 1
			if r.levels[1] == "yes" {
				x["side=yes"] = 1
			}
			return x
		}
		center := intercept
		for j, name := range names {
			center += at(name).w * mean[j]
		}
		bias.w = center
		gradient := map[string]float64{}
		var gradientOfBias float64
		for i := range used[from:to] {
			r := &used[from+i]
			x := inputs(r)
			z := center + r.o
			for name, v := range x {
				z += at(name).w * v
			}
			p := 1 / (1 + math.Exp(-z))
			loss := math.Log1p(math.Exp(-math.Abs(z))) + math.Max(z, 0) - float64(r.y)*z
			total, weight = total+r.s*loss, weight+r.s
			dz := r.s * (p - float64(r.y))
			gradientOfBias += dz
			for name, v := range x {
				gradient[name] += dz * v
				if !slices.Contains(names, name) {
					active += r.s
				}
			}
		}
		N := math.Sqrt(1 + 3 + active/weight)
		least := epsilon * weight / float64(to)
		move := func(s *state, g, d, unit float64) {
			s.squares += g * g
			rate := d * N * (least*d + math.Sqrt(s.squares)) / alpha
			s.linear += g - (rate-s.rate)*s.w
			s.rate = rate
			s.w = -s.linear / (rate + l2*unit*unit)
		}
		for name, g := range gradient {
			if j := slices.Index(names, name); j >= 0 {
				move(at(name), g, size[j], deviation[j])
			} else {
				move(at(name), g, 1, 1)
			}
		}
		// The bias has no penalty: a plain step.
		bias.squares += gradientOfBias * gradientOfBias
		bias.w -= gradientOfBias * alpha / (N * (least + math.Sqrt(bias.squares)))
		intercept = bias.w
		for j, name := range names {
			intercept -= at(name).w * mean[j]
		}
		c := float64(step) * float64(step+1) * float64(step+2)
		averaged += c
		for _, s := range all {
			s.sum += c * s.w
		}
		interceptSum += c * intercept
	}
	result = map[string]float64{}
	b := interceptSum / averaged
	for name, s := range all {
		result[name] = s.sum / averaged
		if j := slices.Index(names, name); j >= 0 {
			b -= result[name] * shift[j]
		}
	}
	result["(intercept)"] = b
	return total / weight, result
}

func streamConfig() descent.Config {
	c := descent.Config{Target: "y", Columns: descent.Columns{Weight: "s", Offset: "o"}, Encoding: encode.Options{Missing: encode.MissingMean}}
	c.Solver.Stream = true
	return c
}

func modelText(t *testing.T, m *descent.Model) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestStreamReference(t *testing.T) {
	rows := streamRows(1, 12000) // more than a head
	text := streamCSV(rows)
	for _, c := range []struct {
		alpha, l2 float64
		batch     int
	}{{1, 0, 64}, {0.3, 3, 64}, {2, 0, 100}} {
		config := streamConfig()
		config.Solver.Alpha, config.Penalty.L2, config.Solver.Batch = c.alpha, c.l2, c.batch
		r, err := descent.Fit(context.Background(), descent.Reader("rows.csv", strings.NewReader(text)), config)
		if err != nil {
			t.Fatal(err)
		}
		progressive, want := streamReference(rows, c.alpha, 0.5, c.l2, c.batch)
		const tolerance = 1e-9 // sums in another order, over some two hundred steps
		if math.Abs(r.Progressive.Loss-progressive) > tolerance {
			t.Errorf("alpha %v: progressive loss %v, want %v", c.alpha, r.Progressive.Loss, progressive)
		}
		if len(r.Coefficients) != len(want) {
			t.Errorf("alpha %v: %d coefficients, want %d", c.alpha, len(r.Coefficients), len(want))
		}
		for _, k := range r.Coefficients {
			if w := want[k.Name]; math.Abs(k.Estimate-w) > 1e-7*math.Max(math.Abs(w), 1e-6) {
				t.Errorf("alpha %v: %s is %v, want %v", c.alpha, k.Name, k.Estimate, w)
			}
		}
		if r.Verdict != descent.Stopped || r.Gap != nil || r.GapNote == "" || r.StatisticsNote == "" || r.Train != nil {
			t.Errorf("verdict %s, gap %v %q, %q", r.Verdict, r.Gap, r.GapNote, r.StatisticsNote)
		}
	}
}

// trickle hands a text over in pieces of random lengths.
type trickle struct {
	text string
	r    *rand.Rand
}

func (d *trickle) Read(b []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := min(1+d.r.IntN(5000), len(d.text), len(b))
	copy(b, d.text[:n])
	d.text = d.text[n:]
	return n, nil
}

func TestStreamBits(t *testing.T) {
	text := streamCSV(streamRows(2, 60000)) // several chunks
	file := t.TempDir() + "/rows.csv"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config := streamConfig()
	table, err := dataset.Read(context.Background(), "rows.csv", strings.NewReader(text), dataset.Options{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]func() descent.Source{
		"file":  func() descent.Source { return descent.File(file) },
		"bytes": func() descent.Source { return descent.Reader("x", strings.NewReader(text)) },
		"pipe":  func() descent.Source { return descent.Reader("x", &trickle{text, rand.New(rand.NewPCG(1, 2))}) },
		"table": func() descent.Source { return descent.Table(table) },
	}
	want := ""
	for _, threads := range []int{1, 2, 3, 8} {
		for name, source := range sources {
			config.Solver.Threads = threads
			r, err := descent.Fit(context.Background(), source(), config)
			if err != nil {
				t.Fatal(err)
			}
			got := modelText(t, r.Model)
			if want == "" {
				want = got
			}
			if got != want {
				t.Fatalf("%s on %d threads: another model", name, threads)
			}
		}
	}
	m, err := descent.ReadModel("model", strings.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.Reproduce(context.Background(), descent.File(file), descent.ReproduceOptions{})
	if err != nil || !again.Same {
		t.Errorf("reproduced: %+v, %v", again, err)
	}
	if again, err = m.Reproduce(context.Background(), descent.Reader("x", strings.NewReader(text[:len(text)/2]+"\n")), descent.ReproduceOptions{}); err == nil && again.Same {
		t.Error("other data give the same model")
	}
}

// TestStreamScale: the units of columns do not matter.
func TestStreamScale(t *testing.T) {
	rows := streamRows(3, 9000)
	config := streamConfig()
	config.Penalty.L2 = 1
	fit := func(rows []streamRow) *descent.Result {
		r, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(streamCSV(rows))), config)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a := fit(rows)
	for i := range rows {
		rows[i].numbers = []float64{rows[i].numbers[0] * 1024, rows[i].numbers[1] - 1e9, rows[i].numbers[2] * 1e6}
	}
	b := fit(rows)
	if math.Abs(a.Progressive.Loss-b.Progressive.Loss) > 1e-9 {
		t.Errorf("progressive loss %v, in other units %v", a.Progressive.Loss, b.Progressive.Loss)
	}
	for i, c := range a.Coefficients {
		if d := b.Coefficients[i]; c.Name != "(intercept)" && math.Abs(c.Scaled-d.Scaled) > 1e-7 {
			t.Errorf("%s: %v, in other units %v", c.Name, c.Scaled, d.Scaled)
		}
	}
}

// TestStreamLearns: a single pass comes near to the optimum.
func TestStreamLearns(t *testing.T) {
	rows := streamRows(4, 40000)
	text := streamCSV(rows)
	config := streamConfig()
	config.Penalty.L2 = 1
	config.Test.Source = descent.Reader("test", strings.NewReader(streamCSV(streamRows(5, 10000)[:9000])))
	config.Encoding.Unseen = encode.UnseenBaseline
	one, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
	if err != nil {
		t.Fatal(err)
	}
	config.Solver = descent.Solver{}
	config.Test.Source = descent.Reader("test", strings.NewReader(streamCSV(streamRows(5, 10000)[:9000])))
	best, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := one.Test.LogLoss, best.Test.LogLoss; a > 1.01*b {
		t.Errorf("log loss of the test rows %v, of the optimum %v", a, b)
	}
}

// TestStreamDropped: rows without a value are no rows; LIBSVM's features may come later than the first rows.
func TestStreamDropped(t *testing.T) {
	rows := streamRows(9, 12000)
	all, kept := streamCSV(rows), streamCSV(slices.DeleteFunc(slices.Clone(rows), func(r streamRow) bool { return math.IsNaN(r.numbers[0]) }))
	config := streamConfig()
	config.Encoding.Missing = encode.MissingDrop
	var coefficients [2][]descent.Coefficient
	for i, text := range []string{all, kept} {
		r, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
		if err != nil {
			t.Fatal(err)
		}
		if coefficients[i] = r.Coefficients; i == 0 && r.Dropped == 0 {
			t.Error("no row was dropped")
		}
	}
	for j, c := range coefficients[0] {
		if d := coefficients[1][j]; c.Name != d.Name || math.Abs(c.Estimate-d.Estimate) > 1e-9*math.Abs(c.Estimate) { // the origin is another
			t.Errorf("%s %v, without the rows %s %v", c.Name, c.Estimate, d.Name, d.Estimate)
		}
	}

	text := strings.Repeat("1 1:2 7:1\n0 2:1\n", 6000) + "1 5:1\n0 6:1\n"
	config = descent.Config{Columns: descent.Columns{Include: []string{"x1", "x2", "x5"}}}
	config.Solver.Stream = true
	r, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range r.Coefficients {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "(intercept) x1 x2 x5" {
		t.Errorf("terms %s", got)
	}
}

func TestStreamClasses(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var dense, sparse strings.Builder
	dense.WriteString("y,a,b\n")
	for range 20000 {
		a, b := r.NormFloat64(), r.NormFloat64()
		k := 0
		if z := a + 0.3*r.NormFloat64(); z > 0.5 {
			k = 1
		} else if b+0.3*r.NormFloat64() > 0 {
			k = 2
		}
		fmt.Fprintf(&dense, "%s,%.3f,%.3f\n", []string{"red", "green", "blue"}[k], a, b)
		fmt.Fprintf(&sparse, "%d 3:%.3f 1000000:%.3f\n", k, a, b)
	}
	for name, text := range map[string]string{"csv": dense.String(), "libsvm": sparse.String()} {
		config := descent.Config{Labels: encode.Labels{Softmax: true}}
		if name == "csv" {
			config.Target = "y"
		}
		config.Solver.Stream = true
		one, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
		if err != nil {
			t.Fatal(err)
		}
		config.Solver.Stream = false
		best, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
		if err != nil {
			t.Fatal(err)
		}
		e, err := one.Model.Evaluate(context.Background(), descent.Reader("x", strings.NewReader(text)), descent.EvaluateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := e.Metrics.LogLoss, best.Train.LogLoss; a > 1.05*b {
			t.Errorf("%s: log loss %v, at the optimum %v", name, a, b)
		}
		if one.ReferenceClass == nil || *one.ReferenceClass != *best.ReferenceClass || len(one.Coefficients) != len(best.Coefficients) {
			t.Errorf("%s: reference %v, %d coefficients; in memory %v, %d", name, one.ReferenceClass, len(one.Coefficients), best.ReferenceClass, len(best.Coefficients))
		}
	}
}

func TestStreamErrors(t *testing.T) {
	good := strings.Repeat("1,2,u\n0,1,v\n", 5000)
	for _, c := range []struct {
		name, text, want string
		change           func(*descent.Config)
	}{
		{"third label", "y,a,c\n" + good + "2,1,v\n", `x:10002:1: column "y": the label "2" is none of the classes that the first rows have: 0, 1; a stream has to know the classes from its first rows; --positive LEVEL --against-rest sets one level against all others`, nil},
		{"one label", "y,a,c\n" + strings.Repeat("1,2,u\n", 9000) + "0,1,v\n", `--positive LEVEL names one that comes later`, nil},
		{"missing", "y,a,c\n" + good + "1,,v\n", `x:10002:2: column "a": a value is missing (the cell is empty); --missing drop leaves such rows out`, nil},
		{"level too many", "y,a,c\n" + good + "1,2,w\n0,1,w\n", `x:10002:3: column "c": "w" is level number 3, more than 2; --exclude c leaves the column out, --max-levels N allows them`,
			func(c *descent.Config) { c.Encoding.MaxLevels = 2 }},
		{"negative weight", "y,a,c\n" + good + "1,-2,w\n", `x:10002:2: column "a": the weight -2 is negative`, func(c *descent.Config) { c.Columns.Weight = "a" }},
		{"no label", "y,a,c\n" + good + ",2,w\n", `x:10002:1: column "y": the label is missing`, nil},
		{"too large", "y,a,c\n" + good + "1,1e308,u\n0,-1e308,v\n", `further than float64 can square`, nil},
		{"class that never comes", "y,a,c\n" + strings.Repeat("0,2,u\n", 9000), `the stream has no row of class "1"`, func(c *descent.Config) { c.Labels.Positive = "1" }},
		{"empty", "y,a,c\n", "no data rows", nil},
	} {
		config := descent.Config{Target: "y"}
		config.Solver.Stream = true
		if c.change != nil {
			c.change(&config)
		}
		_, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(c.text)), config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestStreamLateClass(t *testing.T) {
	text := "y,a\n" + strings.Repeat("no,2\n", 9000) + strings.Repeat("yes,3\nno,2\n", 500)
	config := descent.Config{Target: "y", Labels: encode.Labels{Positive: "yes"}}
	config.Solver.Stream = true
	r, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(text)), config)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Model.Classes(); got[0] != "no" || got[1] != "yes" {
		t.Errorf("classes %v", got)
	}
}

func TestStreamRefuses(t *testing.T) {
	for name, change := range map[string]func(*descent.Config){
		"solver lbfgs": func(c *descent.Config) { c.Solver.Method = "lbfgs" },
		"steps":        func(c *descent.Config) { c.Solver.Steps = 3 },
		"cv":           func(c *descent.Config) { c.CV.L2 = true },
		"hidden":       func(c *descent.Config) { c.Hidden = 2 },
		"holdout":      func(c *descent.Config) { c.Test.Every = 5 },
		"checkpoint":   func(c *descent.Config) { c.Run.Checkpoint = "x" },
		"resume":       func(c *descent.Config) { c.Run.Resume = "x" },
		"memory":       func(c *descent.Config) { c.Run.Memory = 1 << 30 },
		"base":         func(c *descent.Config) { c.Encoding.Base = map[string]string{"a": "b"} },
		"firth":        func(c *descent.Config) { c.Inference.Firth = true },
	} {
		c := descent.Config{Target: "y"}
		c.Solver.Stream = true
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "stream and") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStreamDiverges(t *testing.T) {
	config := descent.Config{Target: "y"}
	config.Solver.Stream, config.Solver.Alpha = true, 1e308
	config.Encoding.Missing = encode.MissingDrop
	r, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(streamCSV(streamRows(1, 2000)))), config)
	if !errors.Is(err, descent.ErrUnfinished) {
		t.Fatal(err)
	}
	if r.Verdict != descent.Diverging || r.Model != nil {
		t.Errorf("verdict %s, model %v", r.Verdict, r.Model)
	}
}

// endless goes on until the training is cancelled.
type endless struct {
	line   string
	n      int
	cancel func()
}

func (e *endless) Read(b []byte) (int, error) {
	if e.n++; e.n == 2000 {
		e.cancel()
	}
	return copy(b, e.line), nil
}

func TestStreamInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	config := descent.Config{Columns: descent.Columns{}, SaveUnfinished: true}
	config.Solver.Stream = true
	r, err := descent.Fit(ctx, descent.Reader("x", &endless{line: strings.Repeat("1 1:2 3:1\n0 2:1\n", 50), cancel: cancel}), config)
	if !errors.Is(err, descent.ErrUnfinished) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if r.Verdict != descent.Interrupted || r.Model == nil || r.Rows < 8192 {
		t.Errorf("verdict %s after %d rows", r.Verdict, r.Rows)
	}
	if text := modelText(t, r.Model); !strings.Contains(text, `"saved_unfinished"`) {
		t.Error("the model does not say that it is unfinished")
	}
}

// TestStreamL1: λ1 makes weights of columns without meaning exactly 0.
func TestStreamL1(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	var b strings.Builder
	for range 30000 {
		x := r.NormFloat64()
		y := 0
		if r.Float64() < 1/(1+math.Exp(-2*x)) {
			y = 1
		}
		fmt.Fprintf(&b, "%d 1:%.3f %d:1\n", y, x, 2+r.IntN(50))
	}
	config := descent.Config{Penalty: descent.Penalty{L1: 120}}
	config.Solver.Stream = true
	fit, err := descent.Fit(context.Background(), descent.Reader("x", strings.NewReader(b.String())), config)
	if err != nil {
		t.Fatal(err)
	}
	zeros := 0
	for _, c := range fit.Coefficients {
		if c.Estimate == 0 {
			zeros++
		}
		if c.Name == "x1" && !(c.Estimate > 1) {
			t.Errorf("x1 is %v", c.Estimate)
		}
	}
	if zeros < 45 {
		t.Errorf("%d of %d weights are 0", zeros, len(fit.Coefficients))
	}
}
