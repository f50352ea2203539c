package infer

import (
	"fmt"
	"strings"
)

// Setting is what decides whether the statistics of a fit mean anything.
type Setting struct {
	OtherLoss      bool // the loss is not the log loss, so there is no likelihood
	Penalised      bool
	Separated      bool // a finite optimum does not exist, or that is undecided
	Unfinished     bool // stopped before the optimum
	Undetermined   bool // aliased columns were kept: their coefficients are not unique
	Reweighted     bool // classes are weighted, and the errors are not robust
	TooManyColumns bool // the covariance was not formed
	Columns        int  // how many, for the message of TooManyColumns
}

// Why says in one sentence why standard errors, tests and intervals are not valid, and what to do; "" if they are.
func Why(s Setting) string {
	var because []string
	if s.OtherLoss {
		because = append(because, "the loss is not the log loss, so it is no likelihood")
	}
	if s.Penalised {
		because = append(because, "a penalty shrinks the coefficients, so their errors are not those of maximum likelihood (leave out the penalty to get them)")
	}
	if s.Separated {
		because = append(because, "no finite optimum was proved to exist (separation)")
	}
	if s.Unfinished {
		because = append(because, "training stopped before the optimum")
	}
	if s.Undetermined {
		because = append(because, "columns that others determine were kept, so their coefficients are not unique")
	}
	if s.Reweighted {
		because = append(because, "class weights are no rows, so errors of the likelihood are not valid (--robust hc1 gives those that are)")
	}
	if s.TooManyColumns {
		because = append(because, fmt.Sprintf("the covariance of %d columns was not formed", s.Columns))
	}
	if len(because) == 0 {
		return ""
	}
	return "no standard errors, tests and intervals: " + strings.Join(because, "; ")
}
