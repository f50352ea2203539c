package optim_test

import (
	"context"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/optim"
)

// logistic is the lecture's cost over a dense table, written out plainly: the reference the methods are run on.
// theta = (w, b); X is row-major without the 1.
type logistic struct {
	n      int
	X, Y   []float64
	S      []float64 // nil: all 1
	Lambda []float64 // per parameter, nil: none
	at     []float64
	passes int
	broken bool // products fail
}

func (l *logistic) Size() int { return l.n + 1 }

func (l *logistic) row(i int) []float64 {
	return append(append([]float64{}, l.X[i*l.n:(i+1)*l.n]...), 1)
}

func (l *logistic) weight(i int) float64 {
	if l.S == nil {
		return 1
	}
	return l.S[i]
}

func sigmoid(z float64) float64 {
	if z < 0 {
		e := math.Exp(z)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-z))
}

func softplus(z float64) float64 { return math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }

func (l *logistic) cost(theta []float64, rows []int, grad []float64) float64 {
	clear(grad)
	var J, m float64
	for _, i := range rows {
		x := l.row(i)
		var z float64
		for j, v := range x {
			z += v * theta[j]
		}
		s := l.weight(i)
		m += s
		J += s * (softplus(z) - l.Y[i]*z)
		for j, v := range x {
			grad[j] += s * (sigmoid(z) - l.Y[i]) * v
		}
	}
	J /= m
	for j := range grad {
		grad[j] /= m
		if l.Lambda != nil {
			J += l.Lambda[j] * theta[j] * theta[j] / (2 * m)
			grad[j] += l.Lambda[j] * theta[j] / m
		}
	}
	return J
}

func (l *logistic) all() []int {
	rows := make([]int, len(l.Y))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func (l *logistic) CostGradient(ctx context.Context, theta, grad []float64) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.passes++
	l.at = append([]float64{}, theta...)
	return l.cost(theta, l.all(), grad), nil
}

func (l *logistic) CostGradientRows(_ context.Context, theta []float64, rows []int, grad []float64) (float64, error) {
	return l.cost(theta, rows, grad), nil
}

func (l *logistic) Hessian(_ context.Context, _ []int, h []float64) error {
	if l.at == nil {
		return errors.New("no point")
	}
	k := l.n + 1
	clear(h)
	var m float64
	for i := range l.Y {
		x := l.row(i)
		var z float64
		for j, v := range x {
			z += v * l.at[j]
		}
		s := l.weight(i)
		m += s
		c := s * sigmoid(z) * sigmoid(-z)
		for a, v := range x {
			for b, u := range x {
				h[a*k+b] += c * v * u
			}
		}
	}
	for j := range h {
		h[j] /= m
	}
	if l.Lambda != nil {
		for j, v := range l.Lambda {
			h[j*k+j] += v / m
		}
	}
	return nil
}

func (l *logistic) Product(ctx context.Context, v, hv []float64) error {
	if l.broken {
		return errors.New("no products")
	}
	k := l.n + 1
	h := make([]float64, k*k)
	if err := l.Hessian(ctx, nil, h); err != nil {
		return err
	}
	for a := range k {
		hv[a] = 0
		for b := range k {
			hv[a] += h[a*k+b] * v[b]
		}
	}
	return nil
}

func (l *logistic) Diagonal(ctx context.Context, diag []float64) error {
	k := l.n + 1
	h := make([]float64, k*k)
	if err := l.Hessian(ctx, nil, h); err != nil {
		return err
	}
	for a := range k {
		diag[a] = h[a*k+a]
	}
	return nil
}

// table reads a CSV of numbers whose last column is y.
func table(t testing.TB, path string) *logistic {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	p := &logistic{n: strings.Count(lines[0], ",")}
	for _, line := range lines[1:] {
		cells := strings.Split(strings.TrimSpace(line), ",")
		for j, c := range cells {
			v, err := strconv.ParseFloat(c, 64)
			if err != nil {
				t.Fatal(err)
			}
			if j == p.n {
				p.Y = append(p.Y, v)
			} else {
				p.X = append(p.X, v)
			}
		}
	}
	return p
}

func near(t *testing.T, what string, got, want, rel, abs float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= abs || d <= rel*math.Abs(want)) {
		t.Errorf("%s = %.17g, want %.17g (off by %.2g)", what, got, want, d)
	}
}

func minimize(t *testing.T, m optim.Method, p optim.Problem) optim.Outcome {
	t.Helper()
	out, err := optim.Minimize(context.Background(), m, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
