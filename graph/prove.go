package graph

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
)

// Prove checks the step. A rewrite of arithmetic is checked exactly: its letters get random
// rationals, three times, and both sides must be equal. A rule of the table is checked by its own
// equations, see Rule.Prove. seed chooses the numbers; nil means that no contradiction was found.
func (s Step) Prove(seed uint64) error {
	if s.compare {
		return s.compareValues(seed)
	}
	if s.rule != nil {
		if err := s.rule.Prove(seed); err != nil {
			return err
		}
		if !s.rule.Opens && s.rule.Name != "mean linear" && s.rule.Name != "sum linear" {
			return nil
		}
	}
	if err := s.Before.graph.prove(s.Before, s.After, seed); err != nil {
		return fmt.Errorf("%s: %v = %v: %w", s.Rule, s.Before, s.After, err)
	}
	return nil
}

// compareValues evaluates both sides at random values of the leaves (within their stated ranges),
// where they must be equal to 1e-6 of the larger: what is compared may cancel.
func (s Step) compareValues(seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 0x726f6164))
	v := Values{Rows: 3, Of: map[string][]float64{}}
	for _, n := range below(s.Before, s.After) {
		if n.Leaf == nil || n.Leaf.Kind == Constant {
			continue
		}
		size := n.Shape.Size()
		if n.Shape.PerRow {
			size *= v.Rows
		}
		values := make([]float64, size)
		for i := range values {
			values[i] = random.NormFloat64() / math.Sqrt(float64(n.Shape.Size()))
			if r := n.Leaf.Fact.Range; r != nil {
				values[i] = math.Min(math.Max(values[i], r.Lo), r.Hi)
				if !math.IsInf(r.Lo, 0) && !math.IsInf(r.Hi, 0) {
					values[i] = r.Lo + (r.Hi-r.Lo)*(0.1+0.8*random.Float64())
				} else if values[i] == r.Lo {
					values[i] += 0.1 + random.Float64()
				}
			}
		}
		if total := n.Leaf.Fact.Total; total != nil { // positive shares of the total
			want, _ := total.Float64()
			size := n.Shape.Size()
			for from := 0; from < len(values); from += size {
				row, sum := values[from:from+size], 0.0
				for i, x := range row {
					row[i] = 0.1 + math.Abs(x)
					sum += row[i]
				}
				for i := range row {
					row[i] *= want / sum
				}
			}
		}
		v.Of[n.Leaf.Name] = values
	}
	out, err := Eval(v, s.Before, s.After)
	if err != nil {
		return err
	}
	for i, a := range out[0] {
		b := out[1][i%len(out[1])]
		if math.Abs(a-b) > 1e-6*math.Max(1, math.Max(math.Abs(a), math.Abs(b))) {
			return fmt.Errorf("%s: %v is %v, %v is %v", s.Rule, s.Before, a, s.After, b)
		}
	}
	return nil
}

// prove evaluates before and after in exact rationals.
func (g *Graph) prove(before, after *Node, seed uint64) error {
	opens, err := g.compile(func(r *Rule) bool { return r.Opens })
	if err != nil {
		return err
	}
	p := &proof{g: g, opens: opens, roots: map[*Node]int64{}}
	p.fractions(before, map[*Node]bool{})
	p.fractions(after, map[*Node]bool{})
	if p.tooLarge {
		return fmt.Errorf("exponents too large to prove")
	}
	random := rand.New(rand.NewPCG(seed, 0x64657363656e74))
	draws := 0
	for try := 0; try < 20 && draws < 3; try++ {
		p.random = random
		p.values = map[*Node]*big.Rat{}
		p.tooLarge = false
		a, b := p.value(before), p.value(after)
		switch {
		case p.tooLarge:
			return fmt.Errorf("numbers too large to prove")
		case a == nil || b == nil: // a division by 0: other numbers
			continue
		case a.Cmp(b) != 0:
			return fmt.Errorf("%v is not %v", before, after)
		}
		draws++
	}
	if draws < 3 {
		return fmt.Errorf("no numbers found at which both sides are defined")
	}
	return nil
}

// A proof is one evaluation in exact rationals.
type proof struct {
	g        *Graph
	opens    map[string][]compiled
	roots    map[*Node]int64 // bases of fractional powers -> common denominator
	values   map[*Node]*big.Rat
	random   *rand.Rand
	tooLarge bool
}

// maxProofBits bounds the numbers of a proof.
const maxProofBits = 1 << 15

// fractions finds the bases of fractional powers. They become letters with an exact root.
func (p *proof) fractions(n *Node, seen map[*Node]bool) {
	if seen[n] || n.Op == nil {
		return
	}
	seen[n] = true
	if n.Op == opPow {
		if k, ok := n.Args[1].constant(); ok && !k.IsInt() && exponentFits(k) {
			d := k.Denom().Int64()
			if have := p.roots[n.Args[0]]; have > 0 {
				d = d / gcd(d, have) * have
			}
			if d > maxExponent {
				p.tooLarge = true
				return
			}
			p.roots[n.Args[0]] = d
		}
	}
	if isArithmetic(n.Op.Name) {
		for _, a := range n.Args {
			p.fractions(a, seen)
		}
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (p *proof) letter(n *Node) *big.Rat {
	r := big.NewRat(1+p.random.Int64N(96), 1+p.random.Int64N(96))
	d, root := p.roots[n]
	if root {
		return p.power(r, d)
	}
	if p.random.IntN(2) == 0 {
		r.Neg(r)
	}
	return r
}

func (p *proof) power(r *big.Rat, k int64) *big.Rat {
	if k < 0 {
		if r.Sign() == 0 {
			return nil
		}
		r, k = new(big.Rat).Inv(r), -k
	}
	out := big.NewRat(1, 1)
	for range k {
		if out.Mul(out, r); !p.fits(out) {
			return nil
		}
	}
	return out
}

func (p *proof) fits(r *big.Rat) bool {
	if r.Num().BitLen() > maxProofBits || r.Denom().BitLen() > maxProofBits {
		p.tooLarge = true
		return false
	}
	return true
}

// value is nil where n is not defined.
func (p *proof) value(n *Node) *big.Rat {
	if v, ok := p.values[n]; ok {
		return v
	}
	v := p.compute(n)
	p.values[n] = v
	return v
}

func (p *proof) compute(n *Node) *big.Rat {
	if c, ok := n.constant(); ok {
		return c
	}
	if n.Op == nil || p.roots[n] > 0 {
		return p.letter(n)
	}
	if n.Op == opFill || n.Op == opAlias {
		return p.value(n.Args[0])
	}
	if !isArithmetic(n.Op.Name) {
		// a letter that a rule opens is what the rule says: softplus(-u) is softplus(u) - u
		for _, r := range p.opens[n.Op.Name] {
			if bound, ok := r.before.Match(n); ok {
				return p.value(p.g.fillIn(r.after, bound))
			}
		}
		if n.Op == opSum || n.Op == opMean {
			return p.linear(n)
		}
		return p.letter(n)
	}
	u := p.value(n.Args[0])
	if u == nil {
		return nil
	}
	if n.Op == opPow {
		return p.pow(n, u)
	}
	var v *big.Rat
	if len(n.Args) > 1 {
		if v = p.value(n.Args[1]); v == nil {
			return nil
		}
	}
	out := new(big.Rat)
	switch n.Op {
	case opAdd:
		out.Add(u, v)
	case opSub:
		out.Sub(u, v)
	case opMul:
		out.Mul(u, v)
	case opNeg:
		out.Neg(u)
	case opDiv:
		if v.Sign() == 0 {
			return nil
		}
		out.Quo(u, v)
	}
	if !p.fits(out) {
		return nil
	}
	return out
}

func (p *proof) pow(n *Node, u *big.Rat) *big.Rat {
	k, ok := n.Args[1].constant()
	if !ok || !exponentFits(k) {
		return p.letter(n)
	}
	if k.IsInt() {
		return p.power(u, k.Num().Int64())
	}
	// u was drawn as the d-th power of a number: its root is exact
	d := k.Denom().Int64()
	num, ok1 := exactRoot(u.Num(), d)
	den, ok2 := exactRoot(u.Denom(), d)
	if !ok1 || !ok2 {
		return nil
	}
	return p.power(new(big.Rat).SetFrac(num, den), k.Num().Int64())
}

func exactRoot(a *big.Int, d int64) (*big.Int, bool) {
	if a.Sign() <= 0 {
		return nil, false
	}
	lo, hi := big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), uint(int64(a.BitLen())/d+1))
	for lo.Cmp(hi) < 0 {
		mid := new(big.Int).Add(lo, hi)
		mid.Add(mid, big.NewInt(1)).Rsh(mid, 1)
		if new(big.Int).Exp(mid, big.NewInt(d), nil).Cmp(a) > 0 {
			hi = mid.Sub(mid, big.NewInt(1))
		} else {
			lo = mid
		}
	}
	return lo, new(big.Int).Exp(lo, big.NewInt(d), nil).Cmp(a) == 0
}

// linear is a sum or mean of a product: the factors that come out of it times a letter for what is left.
func (p *proof) linear(n *Node) *big.Rat {
	s := &simplifier{g: p.g, may: map[string]bool{"cancel": true, "merge powers": true}}
	t, ok := (&readerOf{s: s}).product(n.Args[0])
	if !ok {
		return p.letter(n)
	}
	out := new(big.Rat).Set(t.c)
	in := summand{c: one}
	for _, f := range t.f {
		if !comesOut(n.Op, f.n) {
			in.f = append(in.f, f)
			continue
		}
		v := p.value(f.n)
		if v == nil || !f.e.whole() {
			return p.letter(n)
		}
		if v = p.power(v, f.e.p); v == nil {
			return nil
		}
		if out.Mul(out, v); !p.fits(out) {
			return nil
		}
	}
	if len(in.f) == 0 {
		in.f = []factor{{p.g.integer(1), whole1}}
	}
	rest := p.g.raw(n.Op.Name, s.writeProduct(in))
	v, ok := p.values[rest]
	if !ok || v == nil {
		v = p.letter(rest)
		p.values[rest] = v
	}
	return out.Mul(out, v)
}

// Prove checks the rule's equations against each other by the interpreter, at 40 random points where
// its condition holds (1e-9 relative), letters being scalars, and vectors of three where an op wants
// them. nil means that no contradiction was found. Arithmetic and lowering rules are checked too.
func (r *Rule) Prove(seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 0x72756c65))
	before, err := ParsePattern(r.Before)
	if err != nil {
		return err
	}
	after, err := ParsePattern(r.After)
	if err != nil {
		return err
	}
	defined := 0
	for try := 0; try < 400 && defined < 40; try++ {
		a, b, ok, err := r.values(before, after, random)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		if !ok {
			continue
		}
		defined++
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-9*math.Max(1, math.Max(math.Abs(a[i]), math.Abs(b[i]))) {
				return fmt.Errorf("rule %s: %s is %v where %s is %v", r.Name, r.Before, a[i], r.After, b[i])
			}
		}
	}
	if defined < 40 {
		return fmt.Errorf("rule %s: hardly any point found at which %s is defined", r.Name, r.Before)
	}
	return nil
}

// values evaluates both sides at one random point.
func (r *Rule) values(before, after *Pattern, random *rand.Rand) (a, b []float64, ok bool, err error) {
	defer catch(&err)
	g := New()
	g.Rules = nil
	vectors := strings.Contains(r.Before, "softmax") || strings.Contains(r.Before, "logsumexp") ||
		strings.Contains(r.Before, "sum(") || strings.Contains(r.Before, "largest")
	shape := Shape{}
	if vectors {
		shape = Vector(3)
	}
	v := Values{Rows: 2, Of: map[string][]float64{}}
	bound := map[string]*Node{}
	everything := Everything()
	for _, name := range before.names() {
		l := Leaf{Kind: Parameter, Name: name, Shape: shape, Fact: Fact{Range: &everything}}
		if strings.Contains(r.Before, "mean(") && name == "v" {
			l.Shape.PerRow = true
		}
		if strings.Contains(r.If, "scalar("+name) {
			l.Shape.Rows = 0
		}
		values := make([]float64, l.Shape.Size()*2)
		lo := math.Inf(1)
		total := 0.0
		for i := range values {
			values[i] = math.Round(random.NormFloat64()*1e4) / 5e3
			if strings.Contains(r.If, name+" > 0") {
				values[i] = math.Abs(values[i])
			}
			lo = math.Min(lo, values[i])
		}
		if !l.Shape.PerRow {
			values = values[:l.Shape.Size()]
		}
		if strings.Contains(r.If, "sum("+name) {
			for i := range values[:2] {
				total += values[i]
			}
			values[2] = 1 - total
			l.Fact.Total = one
		}
		if lo > 0 || strings.Contains(r.If, name+" != 0") && lo != 0 {
			l.Fact.Range = &Interval{Lo: 0, LoOpen: true, Hi: math.Inf(1)}
		}
		n, err := g.Leaf(l)
		if err != nil {
			return nil, nil, false, err
		}
		bound[name] = n
		v.Of[name] = values
	}
	if _, ok := g.holds(r.If, bound); !ok {
		return nil, nil, false, nil
	}
	left, right := g.fillIn(before, bound), g.fillIn(after, bound)
	out, err := Eval(v, left, right)
	if err != nil {
		return nil, nil, false, err
	}
	a, b = out[0], out[1]
	if len(b) == 1 && len(a) > 1 {
		for len(b) < len(a) {
			b = append(b, b[0])
		}
	}
	if len(a) != len(b) {
		return nil, nil, false, fmt.Errorf("%s has %d components, %s %d", r.Before, len(a), r.After, len(b))
	}
	for i := range a {
		if math.IsNaN(a[i]) || math.IsInf(a[i], 0) {
			return nil, nil, false, nil
		}
	}
	return a, b, true, nil
}
