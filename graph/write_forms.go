package graph

// Forms say how an op is written in mathematics. The zero value is a function of the op's name:
// softmax(z).
type Forms struct {
	Style  Style
	Symbol string // Unicode; empty: the op's name
	LaTeX  string // empty: \operatorname{symbol}
}

// A Style is the way an op stands between, above or around its arguments.
type Style uint8

// The styles. Function is symbol(u, v); Operator drops the brackets around a single letter (log a).
const (
	Function    Style = iota
	Operator          // log a, log(1 - a)
	Sum               // u + v
	Difference        // u - v
	Negation          // -u
	Product           // u v
	Quotient          // u over v
	Power             // u to the v
	Exponential       // e to the u
	Bars              // |u|
	Inner             // u · v: w1 x1 + w2 x2 while there are few, W x for a matrix
	Transposed        // Wᵀ u
	Outer             // u vᵀ
	Total             // ∑ u
	Average           // 1/m ∑ u
)
