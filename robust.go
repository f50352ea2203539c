package descent

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/infer"
)

// robustCovariance is the sandwich covariance of what the solver moved, in its coordinates, out of that of maximum likelihood. The scores are those of the
// graph: slope = s·dz, and of a row of weight s, which is s rows, (s·dz)²/s.
func (f *fit) robustCovariance(ctx context.Context, cov []float64, e infer.Equations) ([]float64, error) {
	r, size := f.result, e.Size()
	if err := f.atOptimum(ctx); err != nil {
		return nil, err
	}
	slope, err := f.objective.Kept(ctx, "slope")
	if err != nil {
		return nil, err
	}
	kinds := f.moving()
	rows, sets := len(f.learnt.Rows), f.classes.Sets()
	scale := 1.0
	var meat []float64
	if name := f.config.Inference.Cluster; name != "" {
		group, groups, err := f.clusters(name)
		if err != nil {
			return nil, err
		}
		u := make([]float64, rows*e.Count)
		for i := range rows {
			for k, set := range kinds {
				u[i*e.Count+k] = slope[i*sets+set]
			}
		}
		sums, err := f.engine.Grouped(ctx, u, e.Count, group, groups)
		if err != nil {
			return nil, err
		}
		meat = infer.Outer(e.Order(sums), size)
		r.Clusters = groups
		r.Errors = fmt.Sprintf("clustered by %s", name)
		if f.config.Inference.Robust == "hc0" {
			r.Errors += ", hc0"
		} else if scale, err = infer.ClusterScale(groups, f.copies(), size); err != nil {
			return nil, err
		}
		if groups <= size {
			if err := f.note("%d clusters for %d parameters: errors from so few clusters are too small as a rule, and no test of all coefficients together is possible", groups, size); err != nil {
				return nil, err
			}
		}
	} else {
		meat = make([]float64, size*size)
		s := f.frequencies()
		c := make([]float64, rows)
		for k, set := range kinds {
			for l, other := range kinds[:k+1] {
				for i := range c {
					c[i] = slope[i*sets+set] * slope[i*sets+other] / weightOf(s, i)
				}
				G, err := f.engine.Gram(ctx, c, nil)
				if err != nil {
					return nil, err
				}
				e.SetBlock(meat, G, k, l)
			}
		}
		r.Errors = "robust " + f.config.Inference.Robust
		if f.config.Inference.Robust == "hc1" {
			if scale, err = infer.HC1(f.copies(), size); err != nil {
				return nil, err
			}
		}
	}
	return infer.Sandwich(cov, meat, size, scale)
}

// errors is the covariance that the standard errors rest on, given that of maximum likelihood; the result then says which.
func (f *fit) errors(ctx context.Context, cov []float64, e infer.Equations) ([]float64, error) {
	switch {
	case f.config.Inference.Firth:
		f.result.Errors = "information at Firth's estimates; p, low and high by the profile of the penalised likelihood"
		return cov, nil
	case !f.config.Inference.robust():
		f.result.Errors = ModelErrors
		return cov, nil
	}
	return f.robustCovariance(ctx, cov, e)
}

// atOptimum makes the end of the training the point of the objective, whose columns and curvature are then those there.
func (f *fit) atOptimum(ctx context.Context) error {
	theta := f.theta
	if f.trained != nil {
		theta = f.trained
	}
	_, err := f.objective.CostGradient(ctx, theta, make([]float64, f.objective.Size()))
	return err
}

// moving are the sets of weights that the solver moved as a whole: of more than two classes without a penalty all but the reference's.
func (f *fit) moving() []int {
	var sets []int
	for k := range f.classes.Sets() {
		if !f.referenced() || k != f.classes.Reference {
			sets = append(sets, k)
		}
	}
	return sets
}

// frequencies are how often each training row stands for itself; nil is once.
func (f *fit) frequencies() []float64 {
	if f.classWeight != nil {
		if f.frequency == nil {
			return nil
		}
		s := make([]float64, len(f.learnt.Rows))
		for i, row := range f.learnt.Rows {
			s[i] = f.frequency[row]
		}
		return s
	}
	s, _ := f.matrix.Memory.Input("s")
	return s
}

// copies are Σ of the frequencies.
func (f *fit) copies() float64 {
	if f.classWeight != nil {
		return f.frequencySum
	}
	return f.result.WeightSum
}

// weightOf is s_i, 1 where there are no weights.
func weightOf(s []float64, i int) float64 {
	if s == nil {
		return 1
	}
	return s[i]
}

// clusters is the group of every training row.
func (f *fit) clusters(name string) (group []int32, groups int, err error) {
	c, ok := f.table.Column(name)
	if !ok {
		return nil, 0, f.table.NoColumn(name)
	}
	number := make([]int32, len(c.Levels))
	for i := range number {
		number[i] = -1
	}
	group = make([]int32, len(f.learnt.Rows))
	for i, row := range f.learnt.Rows {
		code := c.Code(row)
		if code < 0 {
			return nil, 0, f.table.At(row, c, "the cluster is missing")
		}
		if number[code] < 0 {
			number[code] = int32(groups)
			groups++
		}
		group[i] = number[code]
	}
	return group, groups, nil
}
