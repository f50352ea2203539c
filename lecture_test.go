package descent

import (
	"math"
	"testing"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/metric"
	"github.com/descent-ml/descent/optim"
)

// lectureCase is one edition of the programming assignment that goes with the lecture. The numbers are those printed in its "Expected
// Output" cells (editions v3, v5 and 2021, seen in many public repositories), with more digits recomputed in numpy 1.24.2.
type lectureCase struct {
	name     string
	w        []float64
	b        float64
	x        [][]float64 // examples in rows
	y        []float64
	dw       []float64
	db, cost float64
	// after 100 steps at 0.009
	trained   []float64
	trainedB  float64
	lastDw    []float64
	lastDb    float64
	predicted []float64 // labels of x by the trained parameters
}

var lectureCases = []lectureCase{
	{
		name: "v3", w: []float64{1, 2}, b: 2, x: [][]float64{{1, 3}, {2, 4}}, y: []float64{1, 0},
		dw: []float64{0.9999321585374046, 1.9998026197868162}, db: 0.49993523062470574, cost: 6.000064773192205,
		trained: []float64{0.1124578970863514, 0.2310677467761294}, trainedB: 1.5593049248448891,
		lastDw: []float64{0.9015842801285687, 1.7625084234859343}, lastDb: 0.4304620716786828,
		predicted: []float64{1, 1},
	},
	{
		name: "v5", w: []float64{1, 2}, b: 2, x: [][]float64{{1, 3}, {2, 4}, {-1, -3.2}}, y: []float64{1, 0, 1},
		dw: []float64{0.9984560146379561, 2.395072388486207}, db: 0.001455578136784208, cost: 5.801545319394553,
		trained: []float64{0.19033590888604332, 0.1225915924656141}, trainedB: 1.9253598300845747,
		lastDw: []float64{0.6775204222153582, 1.416254952638088}, lastDb: 0.21919450454067657,
	},
	{
		name: "2021", w: []float64{1, 2}, b: 1.5, x: [][]float64{{1, 3}, {-2, 0.5}, {-1, -3.2}}, y: []float64{1, 1, 0},
		dw: []float64{0.2507153166184082, -0.06604096325829123}, db: -0.12500404500439652, cost: 0.15900537707692405,
		trained: []float64{0.8095604646163251, 2.050820199511423}, trainedB: 1.5948713189708588,
		lastDw: []float64{0.1786050467423819, -0.04840655526979531}, lastDb: -0.08888460336847771,
	},
}

const (
	lectureTolerance = 1e-13 // relative; the references have 16 digits, the sums 100 steps
	// The reference costs were computed from log(1-a), which loses digits where a is near 1; ours come from softplus(z).
	costTolerance = 1e-12
)

func TestLecture(t *testing.T) {
	for _, c := range lectureCases {
		t.Run(c.name, func(t *testing.T) {
			m, n := len(c.x), len(c.w)
			cost, err := newCost(Equations, size{inputs: n, sets: 1}, false, Penalty{})
			if err != nil {
				t.Fatal(err)
			}

			// The interpreter: the graph as it stands in the lecture, over m examples.
			g := cost.graph
			root, _ := g.Lookup(cost.root)
			w, _ := g.Lookup("w")
			b, _ := g.Lookup("b")
			grad, err := g.Gradient(root, w, b)
			if err != nil {
				t.Fatal(err)
			}
			var flat []float64
			for _, x := range c.x {
				flat = append(flat, x...)
			}
			out, err := graph.Eval(graph.Values{Rows: m, Of: map[string][]float64{"x": flat, "y": c.y, "w": c.w, "b": {c.b}}}, append(grad, root)...)
			if err != nil {
				t.Fatal(err)
			}
			close(t, "interpreted dw", out[0], c.dw, 1e-9) // da is as written, with its division
			close(t, "interpreted db", out[1], []float64{c.db}, 1e-9)
			close(t, "interpreted cost", out[2], []float64{c.cost}, costTolerance)

			// The program, and gradient descent on it.
			columns := engine.Columns{Inputs: [][]float64{c.y}}
			for j := range n {
				column := make([]float64, m)
				for i := range m {
					column[i] = c.x[i][j]
				}
				columns.Dense = append(columns.Dense, engine.Float64s(column))
			}
			data, err := engine.NewMemory(engine.Layout{Rows: m, Features: n, Dense: []int{0, 1}, Inputs: []string{"y"}}, columns)
			if err != nil {
				t.Fatal(err)
			}
			e, err := engine.New(data, engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			objective, err := engine.NewObjective(e, g, cost.root, []string{"w", "b"}, engine.Values{}, engine.ObjectiveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			start := append(append([]float64{}, c.w...), c.b)
			gradient := make([]float64, n+1)
			J, err := objective.CostGradient(t.Context(), start, gradient)
			if err != nil {
				t.Fatal(err)
			}
			close(t, "dw", gradient[:n], c.dw, lectureTolerance)
			close(t, "db", gradient[n:], []float64{c.db}, lectureTolerance)
			close(t, "cost", []float64{J}, []float64{c.cost}, costTolerance)

			method, err := optim.NewGradientDescent(start, 0.009, 100)
			if err != nil {
				t.Fatal(err)
			}
			last := make([]float64, n+1) // the gradient before the last update
			result, err := optim.Minimize(t.Context(), method, objective, func(i optim.Iteration) (bool, error) {
				if i.Step == 99 {
					copy(last, i.Gradient)
				}
				return false, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			close(t, "trained w", result.Theta[:n], c.trained, lectureTolerance)
			close(t, "trained b", result.Theta[n:], []float64{c.trainedB}, lectureTolerance)
			close(t, "last dw", last[:n], c.lastDw, lectureTolerance)
			close(t, "last db", last[n:], []float64{c.lastDb}, lectureTolerance)
			for i := range c.predicted {
				z := result.Theta[n]
				for j, x := range c.x[i] {
					z += result.Theta[j] * x
				}
				label := 0.0
				if metric.Positive(metric.Sigmoid(z), 0.5) {
					label = 1
				}
				if label != c.predicted[i] {
					t.Errorf("example %d is predicted %v, want %v", i, label, c.predicted[i])
				}
			}
		})
	}
}

// close compares vectors with a relative tolerance.
func close(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > tolerance*math.Max(1, math.Abs(want[i])) {
			t.Errorf("%s[%d] = %.17g, want %.17g", what, i, got[i], want[i])
		}
	}
}
