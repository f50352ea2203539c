package exercise

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// The kinds of mistakes.
const (
	Sign          = "sign"         // the whole has the other sign
	TermSign      = "term-sign"    // one term has
	MissingTerm   = "missing-term" // of a sum
	ExtraTerm     = "extra-term"
	WrongTerm     = "wrong-term"
	MissingMean   = "missing-mean" // 1/m
	ExtraMean     = "extra-mean"
	MissingFactor = "missing-factor"
	ExtraFactor   = "extra-factor"
	ConstantRatio = "constant"     // a number as a factor
	Swapped       = "swapped"      // y and a, say
	WrongName     = "wrong-name"   // one name in the place of another
	AnotherNode   = "another-node" // da where dz is meant
	Inverted      = "inverted"     // u/v for v/u, or for u*v
	Complement    = "complement"   // u for 1 - u
	Elementwise   = "elementwise"  // products that are not added up
	DotProduct    = "dot"          // added up where element by element is meant
	OneExample    = "one-example"  // one example's where all are meant: not accumulated
	Averaged      = "averaged"     // over the examples too early
	Transposed    = "transposed"
	ShapeMismatch = "shape"
	PenaltyTerm   = "penalty" // anything about it
	LogBase       = "log-base"
	Undefined     = "undefined" // not finite at ordinary places
	WrongFunction = "function"
	Operator      = "operator" // + for *
	Power         = "power"
	Bracket       = "bracket"
	Unknown       = "unknown"
)

// A mistake is what the learner is told.
type mistake struct{ kind, text string }

// A change is one way to put an expression right.
type change struct {
	to         *graph.Expression
	kind, text string
}

func number(i int) string { return strconv.Itoa(i) }

func call(name string, args ...*graph.Expression) *graph.Expression {
	return &graph.Expression{Column: args[0].Column, Call: name, Args: args}
}

func named(name string) *graph.Expression { return &graph.Expression{Column: 1, Name: name} }

func constant(r *big.Rat) *graph.Expression { return &graph.Expression{Column: 1, Number: r} }

// diagnose finds the change that makes equation i right.
func (s *session) diagnose(i int, t *target, c *trial, readings []reading) mistake {
	e := s.equations[i].right
	if c.equal && c.turned {
		return mistake{Transposed, fmt.Sprintf("the numbers are right, but it lies on its side: d%s has the shape of %s", t.node.of, t.node.of)}
	}
	one := readings
	if c.err == nil {
		one = slices.Compact([]reading{readings[0], c.reading})
	}
	d := &diagnosis{session: s, e: e, i: i, t: t}
	fixes := func(e *graph.Expression) bool {
		if d.tried += 1 + s.inputs*s.classes()/500; d.tried > budget {
			return false
		}
		for _, r := range one {
			if k := s.tryOne(e, i, t, false, r, false); k.err == nil && k.equal && !k.turned {
				return true
			}
		}
		return false
	}
	if c.err != nil {
		return s.misfit(i, c.err, fixes)
	}
	d.fixes = fixes
	for _, find := range []func() (mistake, bool){
		func() (mistake, bool) { return d.undefined(c) },
		func() (mistake, bool) { return d.first(d.whole(e)) },
		func() (mistake, bool) { return d.another(readings) },
		func() (mistake, bool) { return d.first(d.factors(e)) },
		func() (mistake, bool) { return d.ratio(c) },
		func() (mistake, bool) { return d.first(d.inside(e)) },
		func() (mistake, bool) { return d.first(d.brackets()) },
		func() (mistake, bool) {
			return d.first([]change{{call("sub", constant(big.NewRat(1, 1)), e), Complement, "it is 1 minus what you wrote"}})
		},
		func() (mistake, bool) { return d.first(d.moved()) },
		func() (mistake, bool) { return d.first(d.terms(e)) },
		d.pairs,
	} {
		if m, ok := find(); ok {
			return m
		}
	}
	if c.odd > 0 {
		return mistake{Undefined, undefinedText(c.odd) + ", and wrong elsewhere"}
	}
	if !c.fits {
		leaf, _ := s.leaf(t.name)
		b := &builder{reading: c.reading, dims: s.dims}
		return mistake{ShapeMismatch, fmt.Sprintf("yours is %s, %s is %s", b.shape(c.value), t.name, b.shape(value{s.shaped(leaf, t), s.lies(leaf, t.name, c.reading)}))}
	}
	return mistake{Unknown, "it is not the derivative, and no single slip that is known explains it; compare the numbers below and go back to the chain rule"}
}

// classes is K, or 1.
func (s *session) classes() int {
	y, ok := s.sheet.Lookup("y")
	if !ok {
		return 1
	}
	return y.Shape.Size()
}

// shaped is a leaf of the target's shape.
func (s *session) shaped(leaf *graph.Node, t *target) *graph.Node {
	if leaf.Shape == t.shape {
		return leaf
	}
	n, err := s.sheet.Leaf(graph.Leaf{Kind: graph.Input, Name: t.name + "_each", Shape: t.shape})
	if err != nil {
		return leaf
	}
	return n
}

// misfit is about shapes: which .T, or which product, was meant.
func (s *session) misfit(i int, err error, fixes func(*graph.Expression) bool) mistake {
	var placed *graph.Error
	text := err.Error()
	if errors.As(err, &placed) {
		text = placed.Message
	}
	e := s.equations[i].right
	var all, products []change
	places(e, func(at *graph.Expression, put func(*graph.Expression) *graph.Expression, _ bool) {
		switch {
		case at.Call == "T":
			all = append(all, change{put(at.Args[0]), Transposed, fmt.Sprintf("write %s", at.Args[0])})
		case at.Number == nil:
			turned := call("T", at)
			all = append(all, change{put(turned), Transposed, fmt.Sprintf("write %s", turned)})
		}
		if len(at.Args) == 2 && (at.Call == "dot" || at.Call == "matmul") {
			for _, to := range []*graph.Expression{
				call("dot", at.Args[1], at.Args[0]), call("dot", at.Args[1], call("T", at.Args[0])), call("dot", call("T", at.Args[1]), at.Args[0]),
				call("dot", call("T", at.Args[0]), call("T", at.Args[1])), call("dot", call("T", at.Args[1]), call("T", at.Args[0])),
			} {
				products = append(products, change{put(to), Transposed, fmt.Sprintf("write %s", to)})
			}
			products = append(products, change{put(call("mul", at.Args[0], at.Args[1])), DotProduct, "multiply element by element, with *"})
		}
		if len(at.Args) == 2 && at.Call == "mul" {
			for _, to := range []*graph.Expression{
				call("dot", at.Args[0], at.Args[1]), call("dot", call("T", at.Args[0]), at.Args[1]), call("dot", at.Args[0], call("T", at.Args[1])),
			} {
				products = append(products, change{put(to), Elementwise, fmt.Sprintf("* multiplies element by element; write %s", to)})
			}
		}
	})
	all = append(all, change{turnSecond(e), Transposed, "transpose the second part of each product, dot(u, v.T)"})
	all = append(all, products...)
	for _, c := range all {
		if fixes(c.to) {
			return mistake{c.kind, text + "; " + c.text}
		}
	}
	// Without anything that lies: what is the calculus like?
	return mistake{ShapeMismatch, text}
}

// turnSecond transposes the second part of every product.
func turnSecond(e *graph.Expression) *graph.Expression {
	out := *remake(e, turnSecond)
	if len(out.Args) == 2 && (out.Call == "dot" || out.Call == "matmul") {
		out.Args = []*graph.Expression{out.Args[0], call("T", out.Args[1])}
	}
	return &out
}

// places visits the places of an expression from the outside in. put makes the whole with another expression in the place; summand says that the place is one of a
// sum's terms.
func places(e *graph.Expression, visit func(at *graph.Expression, put func(*graph.Expression) *graph.Expression, summand bool)) {
	type place struct {
		at      *graph.Expression
		put     func(*graph.Expression) *graph.Expression
		summand bool
	}
	todo := []place{{e, func(x *graph.Expression) *graph.Expression { return x }, false}}
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		visit(p.at, p.put, p.summand)
		for k := range p.at.Args {
			summand := p.at.Call == "add" || p.at.Call == "sub"
			todo = append(todo, place{p.at.Args[k], func(x *graph.Expression) *graph.Expression {
				out := *p.at
				out.Args = slices.Clone(p.at.Args)
				out.Args[k] = x
				return p.put(&out)
			}, summand || p.summand && p.at.Call == "neg"})
		}
	}
}

// A diagnosis tries changes of one equation.
type diagnosis struct {
	*session
	e     *graph.Expression
	i     int
	t     *target
	fixes func(*graph.Expression) bool
	tried int
}

// budget bounds the changes that are tried: equations are untrusted.
const budget = 6_000

func (d *diagnosis) first(all []change) (mistake, bool) {
	for _, c := range all {
		if d.fixes(c.to) {
			return mistake{c.kind, c.text}, true
		}
	}
	return mistake{}, false
}

func undefinedText(odd int) string {
	if odd == 1 {
		return "at one of the examples it is no finite number"
	}
	return fmt.Sprintf("at %d of the examples it is no finite number", odd)
}

// undefined: right wherever it is a number.
func (d *diagnosis) undefined(c *trial) (mistake, bool) {
	if c.odd == 0 || len(c.numbers) < len(d.points) {
		return mistake{}, false
	}
	total := 0
	for _, v := range c.numbers {
		total += len(v)
	}
	if c.odd == total {
		return mistake{}, false
	}
	for k := range d.points {
		if equal, _ := same(c.numbers[k], d.t.values[k]); !equal {
			return mistake{}, false
		}
	}
	return mistake{Undefined, undefinedText(c.odd) + ", where the graph's is; elsewhere it is right: something is divided by 0 there, or its logarithm taken"}, true
}

// whole are changes of the whole.
func (d *diagnosis) whole(e *graph.Expression) []change {
	m := named("m")
	all := []change{{call("neg", e), Sign, "the sign is wrong: it is minus what you wrote"}}
	all = append(all, d.swaps(e)...)
	perRow := d.t.shape.PerRow
	if d.isStrict(d.i) {
		places(e, func(at *graph.Expression, put func(*graph.Expression) *graph.Expression, _ bool) {
			if (at.Call == "sum" || at.Call == "mean") && len(at.Args) == 2 {
				to := call(at.Call, at.Args[0], otherAxis(at.Args[1]))
				all = append(all, change{put(to), ShapeMismatch, fmt.Sprintf("the other axis of %s is that of the examples", at.Call)})
			}
		})
	}
	if !perRow {
		all = append(all,
			change{call("div", e, m), MissingMean, "1/m is missing: J is the mean over the m examples, and so is " + d.t.name},
			change{call("mul", e, m), ExtraMean, "1/m is there once too often"},
			change{call("mean", e), OneExample, "this is what one example adds; over all examples it is the mean of that, mean(" + e.String() + ")"},
			change{call(overRows, e), OneExample, "the examples are not added up: this has one example's (in a loop, the last one's: += is meant, not =), and then 1/m"},
			change{call("neg", call("div", e, m)), MissingMean, "the sign is wrong, and 1/m is missing"},
			change{call("neg", call("mean", e)), OneExample, "the sign is wrong, and this is what one example adds: over all examples it is the mean of that"},
		)
		if d.isStrict(d.i) && !calls(e, "sum") && !calls(e, "mean") {
			for k := range all {
				if all[k].kind == OneExample {
					all[k].kind, all[k].text = Elementwise, "* multiplies element by element and leaves a column for every example; a product of matrices, dot(X, dZ.T), adds them up"
				}
			}
		}
	} else {
		if reduces(e.Call) && e.Call != "dot" && len(e.Args) > 0 {
			all = append(all, change{e.Args[0], Averaged, fmt.Sprintf("%s goes over the examples too early: %s is one example's", e.Call, d.t.name)})
		}
		all = append(all,
			change{call("mul", e, m), ExtraMean, d.t.name + " is one example's and has no 1/m: that belongs to the derivatives of the parameters"},
			change{call("neg", call("mul", e, m)), ExtraMean, "the sign is wrong, and " + d.t.name + " is one example's and has no 1/m"},
		)
	}
	all = append(all, d.nameChanges(e)...)
	if usesLog(e) {
		ten, two := constant(big.NewRat(10, 1)), constant(big.NewRat(2, 1))
		for _, base := range []*graph.Expression{ten, two} {
			all = append(all,
				change{call("mul", e, call("log", base)), LogBase, "the logarithm of the loss is the natural one, log; yours has another base"},
				change{call("div", e, call("log", base)), LogBase, "the logarithm of the loss is the natural one, log; yours has another base"})
		}
	}
	return all
}

// nameChanges put another derivative in the place of one: dz for da.
func (d *diagnosis) nameChanges(e *graph.Expression) []change {
	var all []change
	for _, name := range namesOf(e) {
		known, _ := d.canonical(name)
		if n := d.by[known]; n == nil || n.of == "" {
			continue
		}
		for _, other := range d.alternatives(name) {
			if n := d.by[lower(other)]; n != nil && n.of != "" && d.rank(n.name) > d.rank(known) {
				all = append(all, change{replaceName(e, name, named(other)), WrongName, fmt.Sprintf("%s is meant in the place of %s", other, name)})
			}
		}
	}
	return all
}

func usesLog(e *graph.Expression) bool {
	return calls(e, "log") || calls(e, "log2") || calls(e, "log10") || calls(e, "ln")
}

// swaps exchange two names everywhere.
func (d *diagnosis) swaps(e *graph.Expression) []change {
	var all []change
	for _, pair := range [][2]string{{"y", "a"}, {"z", "a"}, {"w", "x"}, {"da", "dz"}} {
		p, q := d.spelled(e, pair[0]), d.spelled(e, pair[1])
		if !mentions(e, p) || !mentions(e, q) || !d.has(pair[0]) || !d.has(pair[1]) {
			continue
		}
		to := replaceName(replaceName(replaceName(e, p, named("·")), q, named(p)), "·", named(q))
		all = append(all, change{to, Swapped, fmt.Sprintf("%s and %s are swapped", p, q)})
	}
	return all
}

// spelled is a name as the learner writes it: A for a.
func (d *diagnosis) spelled(e *graph.Expression, name string) string {
	found := name
	places(e, func(at *graph.Expression, _ func(*graph.Expression) *graph.Expression, _ bool) {
		if at.Call == "" && at.Number == nil {
			if known, _ := d.canonical(at.Name); known == name {
				found = at.Name
			}
		}
	})
	return found
}

// another says that what is there is the value of another node.
func (d *diagnosis) another(readings []reading) (mistake, bool) {
	for _, r := range readings {
		v, err := d.build(d.e, d.i, r, false)
		if err != nil {
			continue
		}
		if m, ok := d.anotherBy(r, v.node.Shape); ok {
			return m, true
		}
	}
	return mistake{}, false
}

func (d *diagnosis) anotherBy(r reading, shape graph.Shape) (mistake, bool) {
	for _, n := range d.nodes {
		if n == d.t.node && d.t.index == 0 {
			continue
		}
		for _, one := range []bool{false, true} {
			for j := range min(max(n.shape.Rows, 1), 50) {
				name := n.name
				if n.shape.IsVector() && shape.IsScalar() {
					name += number(j + 1)
				} else if j > 0 || n.shape.IsMatrix() {
					break
				}
				if name == d.t.name {
					continue
				}
				o, err := d.target(name, one)
				if err != nil || o.shape.PerRow != shape.PerRow {
					continue
				}
				if k := d.tryOne(d.e, d.i, o, false, r, false); !k.equal {
					continue
				}
				text := fmt.Sprintf("what you wrote is %s, not %s", name, d.t.name)
				if f, ok := d.first(d.factors(d.e)); ok {
					text += "; " + f.text
				} else if f, ok := d.first([]change{{call("mean", d.e), "", ""}}); ok {
					text += f.text + "; " + d.t.name + " is its mean"
				}
				return mistake{AnotherNode, text}, true
			}
			if !n.parameter {
				break
			}
		}
	}
	return mistake{}, false
}

// A factor is what a derivative can have too many or too few of.
type factor struct {
	e    *graph.Expression
	text string
}

func (d *diagnosis) factorList() []factor {
	var out []factor
	one := constant(big.NewRat(1, 1))
	add := func(e *graph.Expression) { out = append(out, factor{e, e.String()}) }
	if d.has("a") {
		add(call("mul", named("a"), call("sub", one, named("a"))))
		add(call("sub", one, named("a")))
		add(named("a"))
	}
	if d.has("h") {
		add(call("sub", one, call("pow", named("h"), constant(big.NewRat(2, 1)))))
		add(named("h"))
	}
	base, j := component(d.t.node.of)
	if d.t.index > 0 {
		base, j = d.t.node.of, d.t.index
	}
	if d.has("x") {
		if base == "w" && j > 0 {
			add(named("x" + number(j)))
		}
		add(named("x"))
		for k := 1; k <= min(d.inputs, 6); k++ {
			if k != j {
				add(named("x" + number(k)))
			}
		}
	}
	out = slices.DeleteFunc(out, func(f factor) bool { // what is made of the node itself is no factor of it
		return slices.ContainsFunc(namesOf(f.e), d.later)
	})
	for _, name := range []string{"y", "w", "W", "V", "s", "da", "dz", "dh", "alpha", "lambda", "n", "z"} {
		if d.has(name) && !d.later(name) {
			add(named(name))
			if name == "y" {
				add(call("sub", one, named("y")))
			}
		}
	}
	add(constant(big.NewRat(2, 1)))
	return out
}

// later says whether a name is the node's own, or is made of it.
func (d *diagnosis) later(name string) bool {
	n := d.by[name]
	return n != nil && d.rank(name) >= d.rank(d.t.node.name)
}

// factors multiplies the whole, and divides it.
func (d *diagnosis) factors(e *graph.Expression) []change {
	var all []change
	for _, f := range d.factorList() {
		missing, extra := "the factor "+f.text+" is missing", "the factor "+f.text+" is too much"
		switch {
		case f.text == "a*(1 - a)" && d.t.name == "dz":
			missing += ", the derivative of the sigmoid: dz = da*a*(1 - a)"
			extra += ": with this loss a*(1 - a) cancels against what da divides by (it stays with the squared error)"
		case f.text == "alpha":
			extra += ": the learning rate belongs to the update, w := w - alpha*dw"
		case strings.HasPrefix(f.text, "x"):
			missing += ": z depends on the weight by the input that it multiplies"
			if strings.HasPrefix(d.t.node.of, "b") {
				extra += ": the bias is multiplied by no input"
			}
		}
		kind := func(k string) string {
			if f.text == "lambda" {
				return PenaltyTerm
			}
			return k
		}
		all = append(all, change{call("mul", e, f.e), kind(MissingFactor), missing}, change{call("div", e, f.e), kind(ExtraFactor), extra})
	}
	return all
}

// ratio says that only a number is wrong.
func (d *diagnosis) ratio(c *trial) (mistake, bool) {
	ratio := math.NaN()
	if len(c.numbers) < len(d.points) {
		return mistake{}, false
	}
	for k, truth := range d.t.values {
		for i, t := range truth {
			v := c.numbers[k][i]
			if t == 0 && v == 0 || t-t != 0 {
				continue
			}
			r := v / t
			if ratio != ratio {
				ratio = r
			}
			if !(math.Abs(r-ratio) <= 1e-7*math.Abs(ratio)) {
				return mistake{}, false
			}
		}
	}
	if ratio != ratio || ratio-ratio != 0 || ratio == 0 {
		return mistake{}, false
	}
	return mistake{ConstantRatio, fmt.Sprintf("it is %s times what it should be", strconv.FormatFloat(ratio, 'g', 4, 64))}, true
}

// inside are changes at one place.
func (d *diagnosis) inside(root *graph.Expression) []change {
	one, m := constant(big.NewRat(1, 1)), named("m")
	byRank := map[int][]change{}
	var penalty []*graph.Expression
	places(root, func(at *graph.Expression, put func(*graph.Expression) *graph.Expression, summand bool) {
		within := slices.Contains(penalty, at) || summand && at.Call != "add" && at.Call != "sub" && mentionsLambda(at)
		if within {
			penalty = append(append(penalty, at), at.Args...)
		}
		add := func(rank int, to *graph.Expression, kind, format string, args ...any) {
			if within || mentionsLambda(to) != mentionsLambda(at) {
				kind = PenaltyTerm
			}
			byRank[rank] = append(byRank[rank], change{put(to), kind, fmt.Sprintf(format, args...)})
		}
		name := at.Call == "" && at.Number == nil
		u := func(k int) *graph.Expression { return at.Args[k] }
		if len(at.Args) == 2 && (at.Call == "add" || at.Call == "sub") {
			flip := map[string]string{"add": "sub", "sub": "add"}[at.Call]
			kind := TermSign
			if mentionsLambda(u(1)) && !mentionsLambda(u(0)) {
				kind = PenaltyTerm
			}
			add(1, call(flip, u(0), u(1)), kind, "the term %s has the wrong sign%s", u(1), d.afterMinus(root, at))
			add(1, call(at.Call, call("neg", u(0)), u(1)), TermSign, "the term %s has the wrong sign", u(0))
			add(2, u(0), ExtraTerm, "the term %s is too much%s", u(1), penalised(u(1)))
			second := u(1)
			if at.Call == "sub" {
				second = call("neg", second)
			}
			add(2, second, ExtraTerm, "the term %s is too much", u(0))
			add(8, call("mul", u(0), u(1)), Operator, "* is meant in the place of %s in %s", map[string]string{"add": "+", "sub": "-"}[at.Call], at)
		}
		if summand {
			add(3, call("div", at, m), MissingMean, "1/m is missing in the term %s", at)
			add(3, call("mul", at, m), ExtraMean, "1/m is too much in the term %s", at)
			add(4, call("mul", at, constant(big.NewRat(2, 1))), MissingFactor, "the factor 2 is missing in the term %s", at)
			add(4, call("div", at, constant(big.NewRat(2, 1))), ExtraFactor, "the factor 2 is too much in the term %s", at)
			for _, w := range []string{"w", "W"} {
				if d.has(w) && mentionsLambda(at) {
					add(4, call("mul", at, named(w)), MissingFactor, "the factor %s is missing in the term %s", w, at)
				}
			}
			if d.has("lambda") {
				add(4, call("mul", at, named("lambda")), MissingFactor, "the factor lambda is missing in the term %s", at)
			}
		}
		if at.Call == "outer" && len(at.Args) == 2 {
			add(4, call("outer", u(1), u(0)), Transposed, "%s has the shape of the transposed: outer(%s, %s)", at, u(1), u(0))
		}
		if (at.Call == "sum" || at.Call == "mean") && len(at.Args) == 1 && d.isStrict(d.i) {
			add(4, call(at.Call, u(0), one), ShapeMismatch, "%s without an axis goes over everything: over the examples it is %s(%s, axis=1, keepdims=True)", at.Call, at.Call, u(0))
			add(4, call(at.Call, u(0), constant(new(big.Rat))), ShapeMismatch, "%s without an axis goes over everything: over the examples it is %s(%s, axis=0)", at.Call, at.Call, u(0))
		}
		if (at.Call == "sum" || at.Call == "mean") && len(at.Args) == 2 {
			add(4, call(at.Call, u(0), otherAxis(u(1))), ShapeMismatch, "the other axis of %s is that of the examples", at.Call)
		}
		if (reduces(at.Call) || at.Call == "outer") && len(at.Args) >= 1 {
			for k := range at.Args {
				if k == 1 && at.Call != "dot" && at.Call != "outer" {
					break
				}
				inner := func(x *graph.Expression) *graph.Expression {
					out := *at
					out.Args = slices.Clone(at.Args)
					out.Args[k] = x
					return &out
				}
				for _, f := range d.factorList() {
					add(5, inner(call("mul", u(k), f.e)), MissingFactor, "the factor %s is missing%s", f.text, where(at))
					add(5, inner(call("div", u(k), f.e)), ExtraFactor, "the factor %s is too much%s", f.text, where(at))
				}
			}
			if at.Call == "outer" {
			} else if at.Call != "dot" {
				add(4, u(0), Averaged, "%s goes over the examples too early: %s is one example's", at.Call, d.t.name)
			} else if len(at.Args) == 2 {
				add(4, call("mul", u(0), u(1)), DotProduct, "dot adds up where each element is wanted: *")
			}
		}
		if at.Call == "mul" {
			add(4, call(overRows, at), Elementwise, "%s is not added up: * multiplies element by element, dot(u, v) adds the products", at)
			add(4, call("sum", at, constant(new(big.Rat))), Elementwise, "%s is not added up: * multiplies element by element, dot(u, v) adds the products", at)
			add(7, call("div", u(0), u(1)), Inverted, "%s multiplies where it must divide", u(1))
			add(7, call("div", u(1), u(0)), Inverted, "%s multiplies where it must divide", u(0))
			for k := range 2 {
				add(5, u(1-k), ExtraFactor, "the factor %s is too much in %s", u(k), at)
			}
		}
		if at.Call == "div" {
			add(6, call("div", u(1), u(0)), Inverted, "%s is upside down", at)
			add(7, call("mul", u(0), u(1)), Inverted, "%s divides where it must multiply", u(1))
			add(5, u(0), ExtraFactor, "the division by %s is too much in %s", u(1), at)
		}
		if at.Number != nil && at.Number.Cmp(one.Number) == 0 && d.has("y") {
			add(9, named("y"), WrongName, "y is meant in the place of 1")
		}
		if name {
			for _, other := range d.alternatives(at.Name) {
				add(6, named(other), WrongName, "%s is meant in the place of %s", other, at.Name)
			}
			add(6, call("sub", one, at), Complement, "1 - %s is meant in the place of %s", at.Name, at.Name)
			for _, f := range []string{"sigmoid", "log", "exp", "tanh"} {
				add(9, call(f, at), WrongFunction, "%s(%s) is meant in the place of %s", f, at.Name, at.Name)
			}
			add(9, call("pow", at, constant(big.NewRat(2, 1))), Power, "%s^2 is meant in the place of %s", at.Name, at.Name)
			add(10, call("mul", at, call("sub", one, at)), MissingFactor, "the factor 1 - %s is missing", at.Name)
		}
		if at.Call == "sub" && u(0).Number != nil && u(0).Number.Cmp(big.NewRat(1, 1)) == 0 {
			add(6, u(1), Complement, "%s is meant in the place of %s", u(1), at)
		}
		if at.Call == "pow" {
			add(9, u(0), Power, "the power of %s is too much", at)
			add(9, call("pow", u(0), constant(big.NewRat(2, 1))), Power, "the power is 2: %s^2", u(0))
		}
		if len(at.Args) == 1 && arity[at.Call] == 1 && !reduces(at.Call) && at.Call != "T" && at.Call != "neg" {
			add(8, u(0), WrongFunction, "%s is too much: %s is meant", at.Call, u(0))
			for _, f := range []string{"sigmoid", "log", "exp", "tanh", "relu", "softmax"} {
				if f != at.Call {
					kind := WrongFunction
					if strings.HasPrefix(at.Call, "log") && f == "log" {
						kind = LogBase
					}
					add(8, call(f, u(0)), kind, "%s is meant in the place of %s", f, at.Call)
				}
			}
			add(8, call(at.Call, call("neg", u(0))), TermSign, "the sign of %s in %s is wrong", u(0), at)
		}
		if at != root && !summand && at.Call != "neg" {
			add(9, call("neg", at), TermSign, "the sign of %s is wrong", at)
		}
	})
	// One name in the place of another everywhere.
	for _, name := range namesOf(root) {
		for _, other := range d.alternatives(name) {
			byRank[6] = append(byRank[6], change{replaceName(root, name, named(other)), WrongName, fmt.Sprintf("%s is meant in the place of %s", other, name)})
		}
	}
	var all []change
	for rank := range 11 {
		all = append(all, byRank[rank]...)
	}
	return all
}

func reduces(call string) bool {
	switch call {
	case "mean", "average", "sum", "dot", "matmul", overRows:
		return true
	}
	return false
}

// where says in which call.
func where(at *graph.Expression) string {
	if at.Call == overRows {
		return " in what is added up"
	}
	return fmt.Sprintf(" in %s(…)", at.Call)
}

func penalised(e *graph.Expression) string {
	if mentionsLambda(e) {
		return ": the bias is not penalised"
	}
	return ""
}

func mentionsLambda(e *graph.Expression) bool { return mentions(e, "lambda") }

// afterMinus asks for the bracket where a sum begins with a minus.
func (d *diagnosis) afterMinus(root, sum *graph.Expression) string {
	first := sum.Args[0]
	for first.Call == "add" || first.Call == "sub" || first.Call == "mul" || first.Call == "div" {
		first = first.Args[0]
	}
	if sum.Call == "add" && (first.Call == "neg" || first.Number != nil && first.Number.Sign() < 0) {
		return ": a minus before a bracket is for all in it, -(u + v)"
	}
	return ""
}

// alternatives are the names that could be meant.
func (d *diagnosis) alternatives(name string) []string {
	known, ok := d.canonical(name)
	if !ok {
		return nil
	}
	var out []string
	leaf, err := d.leaf(known)
	if err != nil {
		return nil
	}
	base, j := component(known)
	for _, other := range d.known {
		n, _ := d.sheet.Lookup(other)
		switch {
		case other == known || d.later(other) || other == "alpha" || other == "J" || other == d.t.node.name:
		case n.Shape == leaf.Shape || j == 0 && n.Shape.PerRow == leaf.Shape.PerRow && n.Shape.IsVector() && leaf.Shape.IsVector():
			out = append(out, other)
		case n.Shape.Size() == leaf.Shape.Size() && j == 0 && n.Shape.IsVector() == leaf.Shape.IsVector():
			out = append(out, other)
		case n.Shape.IsVector() && leaf.Shape.IsScalar() && j > 0 && j <= n.Shape.Rows && other != base:
			out = append(out, other+number(j))
		}
	}
	if j > 0 {
		for k := 1; k <= min(d.inputs, 9); k++ {
			if k != j && d.has(base+number(k)) {
				out = append(out, base+number(k))
			}
		}
	}
	if name != known { // as the learner spells
		for k := range out {
			if n, err := d.leaf(out[k]); err == nil && n.Shape.PerRow {
				out[k] = upper(out[k])
			}
		}
	}
	return out
}

// upper is dZ of dz, X of x.
func upper(name string) string {
	if rest, ok := strings.CutPrefix(name, "d"); ok && len(rest) == 1 {
		return "d" + strings.ToUpper(rest)
	}
	if len(name) == 1 {
		return strings.ToUpper(name)
	}
	return name
}

func namesOf(e *graph.Expression) []string {
	var out []string
	places(e, func(at *graph.Expression, _ func(*graph.Expression) *graph.Expression, _ bool) {
		if at.Call == "" && at.Number == nil && !slices.Contains(out, at.Name) {
			out = append(out, at.Name)
		}
	})
	return out
}

// terms adds the terms that the graph's own formula has.
func (d *diagnosis) terms(e *graph.Expression) []change {
	truth := d.t.node.each
	if d.t.node.all != nil && !d.t.each {
		truth = d.t.node.all
	}
	var all []change
	if rest := d.otherProducts(e); rest != nil {
		all = append(all, change{call("add", e, rest), MissingTerm, fmt.Sprintf("the term %s is missing", rest)})
		if rest.Call == "add" {
			all[0].text = fmt.Sprintf("there are %d inputs, and the terms of the others are missing: w3*x3 and so on, or dot(w, x)", d.inputs)
			all[0].text = strings.Replace(all[0].text, "w3*x3", firstTerm(rest).String(), 1)
		}
	}
	terms := termsOf(truth)
	if simple, _, err := d.graph.Simplify(truth); err == nil { // lambda*w/m, which is written as two halves
		for _, n := range termsOf(simple[0]) {
			if !slices.Contains(terms, n) {
				terms = append(terms, n)
			}
		}
	}
	if len(terms) == 1 {
		return all
	}
	for k, n := range terms {
		name := d.termName(k + 1)
		n, err := d.termLeaf(name, n)
		if err != nil {
			continue
		}
		kind, text := MissingTerm, "the term "+n+" is missing"
		if strings.Contains(n, "lambda") {
			kind, text = PenaltyTerm, "the penalty's term "+n+" is missing"
		}
		all = append(all, change{call("add", e, named(name)), kind, text}, change{call("sub", e, named(name)), kind, text})
		if !d.t.shape.PerRow {
			all = append(all, change{call("add", call("div", e, named("m")), named(name)), kind, text + ", and so is 1/m in the other"})
			all = append(all, change{call("add", call("mean", e), named(name)), kind, text + ", and the mean over the examples in the other"})
		}
	}
	return all
}

// otherProducts are the products w_j*x_j that an expression does not speak of; nil if it speaks of none.
func (d *diagnosis) otherProducts(e *graph.Expression) *graph.Expression {
	if !d.has("w1") || !d.has("x1") || d.inputs > 1000 {
		return nil
	}
	var rest *graph.Expression
	missing := 0
	for j := 1; j <= d.inputs; j++ {
		if mentions(e, "x"+number(j)) || mentions(e, "w"+number(j)) {
			continue
		}
		missing++
		term := call("mul", named("w"+number(j)), named("x"+number(j)))
		if rest == nil {
			rest = term
		} else {
			rest = call("add", rest, term)
		}
	}
	if missing == d.inputs {
		return nil
	}
	return rest
}

func firstTerm(e *graph.Expression) *graph.Expression {
	for e.Call == "add" {
		e = e.Args[0]
	}
	return e
}

// termsOf are the terms of a sum, with their signs.
func termsOf(n *graph.Node) []*graph.Node {
	for n.Op != nil && (n.Op.Role == graph.Same || n.Op.Role == graph.Opposite) {
		n = n.Args[0]
	}
	if n.Op == nil || n.Op.Role != graph.Plus && n.Op.Role != graph.Minus {
		return []*graph.Node{n}
	}
	return append(termsOf(n.Args[0]), termsOf(n.Args[1])...)
}

// termLeaf gives a term's values a name on the sheet, and says how it is written.
func (d *diagnosis) termLeaf(name string, n *graph.Node) (string, error) {
	shape := n.Shape
	text := n.String()
	if d.t.index > 0 {
		shape.Rows = 0
	}
	if _, ok := d.sheet.Lookup(name); ok {
		return text, nil
	}
	for k := range d.points {
		p := &d.points[k]
		out, err := graph.Eval(graph.Values{Rows: p.rows, M: p.m, Of: p.of}, n)
		if err != nil {
			return "", err
		}
		if size := n.Shape.Size(); d.t.index > 0 && size > 1 {
			out[0] = pick(out[0], size, d.t.index-1)
		}
		p.of[name] = out[0]
	}
	if _, err := d.sheet.Leaf(graph.Leaf{Kind: graph.Input, Name: name, Shape: shape}); err != nil {
		return "", err
	}
	d.extra[name] = true
	return text, nil
}

// wrongTerm puts a term of the graph's in the place of one.
func (d *diagnosis) wrongTerm() []change {
	d.terms(d.e)
	var all []change
	places(d.e, func(at *graph.Expression, put func(*graph.Expression) *graph.Expression, summand bool) {
		if !summand || at.Call == "add" || at.Call == "sub" {
			return
		}
		for k := 1; d.extra[d.termName(k)]; k++ {
			kind := WrongTerm
			if mentionsLambda(at) {
				kind = PenaltyTerm
			}
			term := named(d.termName(k))
			text := fmt.Sprintf("the term %s is wrong; the rest is right", at)
			all = append(all, change{put(term), kind, text}, change{put(call("neg", term)), kind, text})
		}
	})
	return all
}

func (d *diagnosis) termName(k int) string { return fmt.Sprintf("term%dof_%s", k, d.t.name) }

// brackets moves brackets: u + v*w for (u + v)*w, and 1 - y/1 - a.
func (d *diagnosis) brackets() []change {
	var all []change
	places(d.e, func(at *graph.Expression, put func(*graph.Expression) *graph.Expression, _ bool) {
		add := func(to *graph.Expression) {
			all = append(all, change{put(to), Bracket, fmt.Sprintf("brackets: %s is meant in the place of %s", to, at)})
		}
		sum := at.Call == "add" || at.Call == "sub"
		if sum {
			u, v := at.Args[0], at.Args[1]
			if v.Call == "mul" || v.Call == "div" { // u - v*w: (u - v)*w
				add(call(v.Call, call(at.Call, u, v.Args[0]), v.Args[1]))
				if v.Args[0].Call == "mul" || v.Args[0].Call == "div" {
					w := v.Args[0]
					add(call(v.Call, call(w.Call, call(at.Call, u, w.Args[0]), w.Args[1]), v.Args[1]))
				}
			}
			if u.Call == "mul" || u.Call == "div" { // u*v - w: u*(v - w)
				add(call(u.Call, u.Args[0], call(at.Call, u.Args[1], v)))
			}
			if u.Call == "neg" {
				add(call("neg", call(at.Call, u.Args[0], v)))
			}
			if u.Call == "sub" && u.Args[1].Call == "div" { // 1 - y/1 - a
				add(call("div", call("sub", u.Args[0], u.Args[1].Args[0]), call(at.Call, u.Args[1].Args[1], v)))
			}
			if u.Call == "add" && u.Args[1].Call == "sub" && u.Args[1].Args[1].Call == "div" {
				w := u.Args[1]
				add(call("add", u.Args[0], call("div", call("sub", w.Args[0], w.Args[1].Args[0]), call(at.Call, w.Args[1].Args[1], v))))
			}
			if u.Call == "sub" && u.Args[1].Call == "div" && u.Args[0].Call == "add" { // -y/a + 1 - y/1 - a
				w := u.Args[0]
				add(call("add", w.Args[0], call("div", call("sub", w.Args[1], u.Args[1].Args[0]), call(at.Call, u.Args[1].Args[1], v))))
			}
			if u.Call == "add" || u.Call == "sub" { // u - (v - w)
				add(call(u.Call, u.Args[0], call(at.Call, u.Args[1], v)))
			}
			if len(u.Args) == 1 && arity[u.Call] == 1 && u.Call != "neg" { // log(1) - a
				add(call(u.Call, call(at.Call, u.Args[0], v)))
			}
		}
		if at.Call == "mul" || at.Call == "div" {
			for k := range 2 {
				s := at.Args[k]
				if s.Call == "add" || s.Call == "sub" { // (u - v)*w: u - v*w
					for j := range 2 {
						parts := slices.Clone(s.Args)
						both := slices.Clone(at.Args)
						both[k] = parts[j]
						parts[j] = call(at.Call, both...)
						add(call(s.Call, parts...))
					}
				}
			}
			if at.Call == "mul" && at.Args[0].Call == "div" { // u/v*w: u/(v*w)
				add(call("div", at.Args[0].Args[0], call("mul", at.Args[0].Args[1], at.Args[1])))
			}
		}
		if len(at.Args) == 1 && arity[at.Call] == 1 && (at.Args[0].Call == "add" || at.Args[0].Call == "sub") { // log(1 - a): log(1) - a
			s := at.Args[0]
			add(call(s.Call, call(at.Call, s.Args[0]), s.Args[1]))
		}
	})
	return all
}

var tokens = regexp.MustCompile(`[\pL_][\pL\pN_]*|[0-9.]+[0-9]|[0-9]+|\S`)

// moved are all ways to move one bracket, to leave a pair out, or to add one.
func (d *diagnosis) moved() []change {
	parts := tokens.FindAllString(d.e.String(), -1)
	if len(parts) > 60 {
		return nil
	}
	var all []change
	seen := map[string]bool{}
	add := func(parts []string) {
		text := strings.Join(parts, "")
		if seen[text] {
			return
		}
		seen[text] = true
		if to, err := graph.ParseOpen(text, 0, 1); err == nil {
			all = append(all, change{to, Bracket, fmt.Sprintf("brackets: %s is meant", to)})
		}
	}
	for i, p := range parts {
		if p != "(" && p != ")" {
			continue
		}
		without := slices.Delete(slices.Clone(parts), i, i+1)
		for k := range len(without) + 1 {
			add(slices.Insert(slices.Clone(without), k, p))
		}
	}
	for i := range parts {
		for k := i + 3; k <= len(parts); k++ {
			add(slices.Insert(slices.Insert(slices.Clone(parts), k, ")"), i, "("))
		}
	}
	return all
}

// pairs are two mistakes: one of the whole, and another.
func (d *diagnosis) pairs() (mistake, bool) {
	m := named("m")
	type outer struct {
		of   func(*graph.Expression) *graph.Expression
		text string
	}
	outers := []outer{{func(e *graph.Expression) *graph.Expression { return call("neg", e) }, "the sign is wrong, too"}}
	if !d.t.shape.PerRow {
		outers = append(outers,
			outer{func(e *graph.Expression) *graph.Expression { return call("div", e, m) }, "1/m is missing, too"},
			outer{func(e *graph.Expression) *graph.Expression { return call("mean", e) }, "and this is one example's: over all examples it is the mean"},
			outer{func(e *graph.Expression) *graph.Expression { return call("neg", call("div", e, m)) }, "the sign is wrong and 1/m is missing, too"})
	} else {
		outers = append(outers, outer{func(e *graph.Expression) *graph.Expression { return call("mul", e, m) }, "1/m is too much, too"})
	}
	all := slices.Concat(d.swaps(d.e), d.nameChanges(d.e), d.factors(d.e), d.inside(d.e), d.terms(d.e), d.brackets())
	for _, o := range outers {
		for _, c := range all {
			if d.fixes(o.of(c.to)) {
				return mistake{c.kind, c.text + "; " + o.text}, true
			}
		}
	}
	if m, ok := d.first(d.wrongTerm()); ok {
		return m, true
	}
	for _, c := range all { // two changes inside, while the budget lasts
		if slices.ContainsFunc(namesOf(c.to), func(name string) bool { return d.extra[name] }) {
			continue
		}
		for _, again := range d.inside(c.to) {
			if d.tried > budget {
				return mistake{}, false
			}
			if d.fixes(again.to) {
				return mistake{c.kind, c.text + "; and " + again.text}, true
			}
		}
	}
	return mistake{}, false
}

// otherAxis is 1 for 0 and 0 for 1.
func otherAxis(e *graph.Expression) *graph.Expression {
	if e.Number != nil && e.Number.Sign() == 0 {
		return constant(big.NewRat(1, 1))
	}
	return constant(new(big.Rat))
}
