package optim

import "fmt"

// Want is what a method needs to be told next.
type Want uint8

// The things a method can ask for.
const (
	// Gradient: cost and gradient at At.
	Gradient Want = iota + 1
	// Product: H·V, H the Hessian at At, which is the point of the last accepted Gradient.
	Product
	// Diagonal: the diagonal of H at At.
	Diagonal
	// Hessian: H at At, row-major; with Fraction below 1 an estimate of it from about that part of the rows.
	Hessian
	// Batch: cost and gradient at At over Rows only (their mean, plus the penalty).
	Batch
	// Border: the rows of H at At that belong to the components Of, and after them its diagonal, all estimated from about Fraction of the rows.
	Border
	// Block: H at At among the components Of.
	Block
	// Shared: the mean over the sets of weights of their parts of H at At, without the penalty, estimated from about Fraction of the rows.
	Shared
)

// String returns the name of w in lower case.
func (w Want) String() string {
	switch w {
	case Gradient:
		return "gradient"
	case Product:
		return "product"
	case Diagonal:
		return "diagonal"
	case Hessian:
		return "hessian"
	case Batch:
		return "batch"
	case Border:
		return "border"
	case Block:
		return "block"
	case Shared:
		return "shared"
	}
	return fmt.Sprintf("want(%d)", uint8(w))
}

// Ask is one question. Its slices belong to the method and are valid until the next Tell.
type Ask struct {
	Want Want
	At   []float64 // the point asked about, always set
	V    []float64 // Product: the direction
	Rows []int     // Batch: row numbers, ascending

	Fraction float64 // Hessian, Border, Shared: the part of the rows wanted
	Of       []int   // Border, Block: components, ascending
	Columns  int     // Shared: the size of the matrix

	// Part, if not 0, is the part of the rows that the whole question is about, as if there were no others: always the same ones.
	Part float64
}

// Tell is one answer; only the fields asked for are read. The method copies what it keeps.
type Tell struct {
	F        float64
	Gradient []float64 // (size)
	Product  []float64 // (size)
	Diagonal []float64 // (size)
	Hessian  []float64 // (size·size), row-major, symmetric
	Block    []float64 // (len(Of)·len(Of)), row-major, symmetric
	Shared   []float64 // (columns·columns), row-major, symmetric
	Border   []float64 // ((len(Of)+1)·size), row-major; the last row is the diagonal
}

// Reason says why a method stopped.
type Reason string

// The reasons.
const (
	Running   Reason = ""          // not done
	Done      Reason = "done"      // the estimated distance to the optimum is within the tolerance
	Steps     Reason = "steps"     // the steps allowed or asked for are done
	Floor     Reason = "floor"     // rounding: no step makes the cost or the gradient smaller
	Diverged  Reason = "diverged"  // see Divergence
	Cancelled Reason = "cancelled" // the context was cancelled
	Time      Reason = "time"      // the context's deadline passed
	Stopped   Reason = "stopped"   // watch said so
)

// Method is an optimiser between two questions. Ask changes nothing and may be repeated; Tell takes
// the answer. Not safe for concurrent use.
type Method interface {
	// Ask returns the next question; after Done it returns the zero Ask.
	Ask() Ask
	// Tell takes the answer to Ask. It fails on an answer of the wrong size, on a method that is
	// done, and with *Divergence when the run diverges.
	Tell(Tell) error
	// Iterate returns the current point, its cost and gradient (not copies), and the number of updates that led
	// to it. known is false while cost and gradient there have not been told yet.
	Iterate() (theta []float64, f float64, grad []float64, step int, known bool)
	// Done reports whether the method has stopped, and why.
	Done() (bool, Reason)
	// Distance estimates how far the point is from the optimum, in standard errors of the
	// coefficients: sqrt(m)·‖g‖ in the norm of H⁻¹. NaN where the method has no estimate.
	Distance() float64
}

// Options are common to LBFGS and Newton. The zero value works.
type Options struct {
	// Steps is the largest number of updates; 0 means 200 (Newton) or 2000 (LBFGS).
	Steps int
	// Tolerance is the distance to the optimum, in standard errors, at which the method is done; 0 means 1e-10.
	Tolerance float64
	// Gap, if not 0, is the part of the cost that the duality gap, at most Σ g_j²/(2·Penalty_j), is to be in the end: Newton's conjugate gradients go as far
	// as it takes in the last step, and no further.
	Gap float64
	// Weight is m, the sum of the row weights, which turns a distance into standard errors; 0 means 1.
	Weight float64
	// Penalty, if not nil, is lambda_j/m for every coordinate: a hint for Newton's preconditioner only.
	Penalty []float64
	// Factor is the largest size at which Newton factors H; larger problems use conjugate gradients. 0 means 513
	// (512 weights and the bias), -1 never.
	Factor int
	// Warm lets Newton begin with the optimum of a sixteenth of the rows where they are many and the problem can be cut (Parter). These steps are not
	// counted, and nothing watches them.
	Warm bool
	// Groups are runs of components of which no two are ever both not 0 in a row, as the levels of a column are: H among those of a group
	// is diagonal. A hint for Newton's preconditioner only.
	Groups []Group
	// Places, if not nil, says of every component which set and which column it belongs to. A hint for Newton's preconditioner only.
	Places []Place
	// Whole is the work, rows times squared parameters, below which Newton forms H of all rows; beyond, it begins with H of a part
	// of them where the problem can give it (Sampler). 0 means 5e8, half a second.
	Whole float64
}

// Group is Size components from First on.
type Group struct{ First, Size int }

func (o Options) check(size, steps int) (Options, error) {
	switch {
	case o.Steps < 0:
		return o, fmt.Errorf("steps is %d, want 0 or more", o.Steps)
	case !(o.Tolerance >= 0) || o.Tolerance > maxFloat:
		return o, fmt.Errorf("tolerance is %g, want a number that is not negative", o.Tolerance)
	case !(o.Gap >= 0) || o.Gap > maxFloat:
		return o, fmt.Errorf("gap is %g, want a number that is not negative", o.Gap)
	case !(o.Weight >= 0) || o.Weight > maxFloat:
		return o, fmt.Errorf("weight is %g, want a number that is not negative", o.Weight)
	case o.Penalty != nil && len(o.Penalty) != size:
		return o, fmt.Errorf("penalty has %d values, the problem has %d parameters", len(o.Penalty), size)
	case !(o.Whole >= 0) || o.Whole > maxFloat:
		return o, fmt.Errorf("whole is %g, want a number that is not negative", o.Whole)
	case o.Factor < -1:
		return o, fmt.Errorf("factor is %d, want -1 or more", o.Factor)
	}
	if o.Places != nil && len(o.Places) != size {
		return o, fmt.Errorf("there are %d places for %d parameters", len(o.Places), size)
	}
	for i, p := range o.Places {
		if p.Set < 0 || p.Column < 0 || p.Set >= size || p.Column >= size {
			return o, fmt.Errorf("place %d is set %d, column %d", i, p.Set, p.Column)
		}
	}
	end := 0
	for i, g := range o.Groups {
		if g.First < end || g.Size < 1 || g.First > size-g.Size {
			return o, fmt.Errorf("group %d is %d components from %d on: groups must ascend within %d parameters", i, g.Size, g.First, size)
		}
		end = g.First + g.Size
	}
	for j, p := range o.Penalty {
		if !(p >= 0) || p > maxFloat {
			return o, fmt.Errorf("penalty %d is %g, want a number that is not negative", j, p)
		}
	}
	if o.Steps == 0 {
		o.Steps = steps
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-10
	}
	if o.Weight == 0 {
		o.Weight = 1
	}
	if o.Factor == 0 {
		o.Factor = 513
	}
	if o.Whole == 0 {
		o.Whole = 5e8
	}
	return o, nil
}

func checkStart(theta []float64) error {
	for j, v := range theta {
		if !finite(v) {
			return fmt.Errorf("start: parameter %d is %g", j, v)
		}
	}
	return nil
}

func checkSize(what string, got, want int) error {
	if got != want {
		return fmt.Errorf("told a %s of %d values, want %d", what, got, want)
	}
	return nil
}
