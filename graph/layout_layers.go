package graph

import (
	"math"
	"sort"
)

// A box is something to be placed: a card, in pixels or in characters.
type box struct {
	width, height float64
	port          float64 // where edges meet it, below its top
	leaf          bool    // nothing is computed here
	layer         int
	x, y          float64 // left and top, set by arrange
}

// A link is an edge from one box to another, by index.
type link struct{ from, to int }

// A bend is one place a route passes on its way: it leaves (or enters) a column at height y.
// It runs straight through the column from left to right.
type bend struct {
	layer       int
	left, right float64
	y           float64
}

// spacing says how far apart boxes and columns stand.
type spacing struct {
	between float64 // two boxes of a column
	lane    float64 // height of an edge that crosses a column
	// column is the gap between two columns, of edges to so many places that rise so far.
	column func(places int, rise float64) float64
}

// arrange places boxes in layers from left to right and routes every link: longest-path layers,
// everything as late as its users allow (so y stands beside a, not beside x), crossings lowered by
// barycentres, heights by weighted isotonic regression. Nothing overlaps and no route crosses a box.
// The result depends on the order of boxes and links only. Links must go from lower to higher
// index. The route of a link has one bend per layer it touches.
//
// Method: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system
// structures", IEEE SMC 11 (1981); heights: pool adjacent violators, Barlow et al. (1972).
func arrange(boxes []box, links []link, sp spacing) (routes [][]bend, width, height float64) {
	if len(boxes) == 0 {
		return nil, 0, 0
	}
	layers := assignLayers(boxes, links)
	l := newLadder(boxes, links, layers, sp)
	l.order()
	l.heights(sp)
	return l.finish(boxes, links, sp)
}

func assignLayers(boxes []box, links []link) int {
	deepest := 0
	out := make([][]int, len(boxes))
	for _, e := range links {
		out[e.from] = append(out[e.from], e.to)
	}
	for i := range boxes {
		boxes[i].layer = 0
	}
	for i := range boxes {
		for _, t := range out[i] {
			boxes[t].layer = max(boxes[t].layer, boxes[i].layer+1)
		}
		deepest = max(deepest, boxes[i].layer)
	}
	for i := len(boxes) - 1; i >= 0; i-- {
		if len(out[i]) == 0 {
			continue
		}
		late := deepest
		for _, t := range out[i] {
			late = min(late, boxes[t].layer-1)
		}
		boxes[i].layer = late
	}
	return deepest + 1
}

// A rung is a box or, where box < 0, the place an edge passes through a column.
type rung struct {
	box           int
	height, port  float64
	weight        float64
	y             float64 // of the port
	before, after []int   // neighbours in the previous and next layer
}

type ladder struct {
	rungs  []rung
	layers [][]int
	chain  [][]int // per box: its own rung, then its lanes in the layers after it
}

func newLadder(boxes []box, links []link, layers int, sp spacing) *ladder {
	l := &ladder{layers: make([][]int, layers), chain: make([][]int, len(boxes))}
	for i, b := range boxes {
		weight := 1000.0
		if b.leaf {
			weight = 1
		}
		l.chain[i] = []int{len(l.rungs)}
		l.layers[b.layer] = append(l.layers[b.layer], len(l.rungs))
		l.rungs = append(l.rungs, rung{box: i, height: b.height, port: b.port, weight: weight})
	}
	connect := func(a, b int) {
		l.rungs[a].after = append(l.rungs[a].after, b)
		l.rungs[b].before = append(l.rungs[b].before, a)
	}
	for _, e := range links {
		c := l.chain[e.from]
		// Edges of one box share their lanes and branch where they have to.
		for boxes[e.from].layer+len(c) < boxes[e.to].layer {
			id := len(l.rungs)
			at := boxes[e.from].layer + len(c)
			l.rungs = append(l.rungs, rung{box: -1, height: sp.lane, port: math.Floor(sp.lane / 2), weight: 30})
			l.layers[at] = append(l.layers[at], id)
			connect(c[len(c)-1], id)
			c = append(c, id)
		}
		l.chain[e.from] = c
		connect(c[boxes[e.to].layer-boxes[e.from].layer-1], l.chain[e.to][0])
	}
	return l
}

// order permutes every layer so that few edges cross.
func (l *ladder) order() {
	position := make([]float64, len(l.rungs))
	note := func(layer []int) {
		for i, r := range layer {
			position[r] = float64(i)
		}
	}
	for _, layer := range l.layers {
		note(layer)
	}
	best, kept := l.crossings(position), l.copyLayers()
	for round := 0; round < 12 && best > 0; round++ {
		forward := round%2 == 0
		for i := range l.layers {
			k := i
			if !forward {
				k = len(l.layers) - 1 - i
			}
			layer := l.layers[k]
			key := make(map[int]float64, len(layer))
			for _, r := range layer {
				near := l.rungs[r].before
				if !forward {
					near = l.rungs[r].after
				}
				key[r] = position[r]
				if len(near) > 0 {
					sum := 0.0
					for _, n := range near {
						sum += position[n]
					}
					// Positions are compared as shares of their layer.
					other := len(l.layers[max(0, min(len(l.layers)-1, k-1))])
					if !forward {
						other = len(l.layers[min(len(l.layers)-1, k+1)])
					}
					key[r] = (sum/float64(len(near)) + 0.5) / float64(other) * float64(len(layer))
				} else {
					key[r] += 0.5
				}
			}
			sort.SliceStable(layer, func(a, b int) bool { return key[layer[a]] < key[layer[b]] })
			note(layer)
		}
		if c := l.crossings(position); c < best {
			best, kept = c, l.copyLayers()
		}
	}
	l.layers = kept
}

func (l *ladder) copyLayers() [][]int {
	c := make([][]int, len(l.layers))
	for i, layer := range l.layers {
		c[i] = append([]int(nil), layer...)
	}
	return c
}

func (l *ladder) crossings(position []float64) int {
	n := 0
	for _, layer := range l.layers {
		for i, a := range layer {
			for _, b := range layer[i+1:] {
				for _, u := range l.rungs[a].after {
					for _, v := range l.rungs[b].after {
						if (position[a]-position[b])*(position[u]-position[v]) < 0 {
							n++
						}
					}
				}
			}
		}
	}
	return n
}

// heights moves every rung as near to its neighbours as order and room allow.
func (l *ladder) heights(sp spacing) {
	for _, layer := range l.layers {
		y, total := 0.0, -sp.between
		for _, r := range layer {
			total += l.rungs[r].height + sp.between
		}
		y = -total / 2
		for _, r := range layer {
			l.rungs[r].y = y + l.rungs[r].port
			y += l.rungs[r].height + sp.between
		}
	}
	for round := 0; round < 16; round++ {
		for i := range l.layers {
			l.settle(l.layers[i], sp, true)
		}
		for i := len(l.layers) - 1; i >= 0; i-- {
			l.settle(l.layers[i], sp, false)
		}
	}
	for i := range l.layers { // chains end up straight
		l.settle(l.layers[i], sp, true)
	}
	for i := len(l.layers) - 1; i >= 0; i-- {
		l.settle(l.layers[i], sp, false)
	}
}

// wish is where a rung would like to be: where its computed arguments are, else its users,
// else its leaves.
func (l *ladder) wish(r int, forward bool) (y float64, weight float64) {
	g := &l.rungs[r]
	mean := func(of []int, leaves bool) (float64, bool) {
		sum, w := 0.0, 0.0
		for _, n := range of {
			m := l.rungs[n].weight
			if m <= 1 && !leaves {
				continue
			}
			sum += m * l.rungs[n].y
			w += m
		}
		return sum / w, w > 0
	}
	if g.weight > 1 {
		if y, ok := mean(g.before, false); ok {
			return y, g.weight
		}
		if len(g.before) == 0 || !forward {
			if y, ok := mean(g.after, true); ok {
				return y, g.weight / 2
			}
		}
		if y, ok := mean(g.before, true); ok {
			return y, g.weight / 2
		}
	}
	if y, ok := mean(g.after, true); ok {
		return y, g.weight
	}
	return g.y, g.weight
}

func (l *ladder) settle(layer []int, sp spacing, forward bool) {
	type pool struct {
		sum, weight float64
		n           int
	}
	offset := make([]float64, len(layer))
	var pools []pool
	for i, r := range layer {
		if i > 0 {
			p := l.rungs[layer[i-1]]
			offset[i] = offset[i-1] + (p.height - p.port) + sp.between + l.rungs[r].port
		}
		y, w := l.wish(r, forward)
		pools = append(pools, pool{w * (y - offset[i]), w, 1})
		for len(pools) > 1 {
			a, b := pools[len(pools)-2], pools[len(pools)-1]
			if a.sum/a.weight <= b.sum/b.weight {
				break
			}
			pools = append(pools[:len(pools)-2], pool{a.sum + b.sum, a.weight + b.weight, a.n + b.n})
		}
	}
	i := 0
	for _, p := range pools {
		for k := 0; k < p.n; k++ {
			l.rungs[layer[i]].y = p.sum/p.weight + offset[i]
			i++
		}
	}
}

func (l *ladder) finish(boxes []box, links []link, sp spacing) (routes [][]bend, width, height float64) {
	top, bottom := 0.0, 0.0
	for i, r := range l.rungs {
		if t := r.y - r.port; i == 0 || t < top {
			top = t
		}
		if b := r.y - r.port + r.height; i == 0 || b > bottom {
			bottom = b
		}
	}
	left := make([]float64, len(l.layers))
	right := make([]float64, len(l.layers))
	x := 0.0
	for k, layer := range l.layers {
		wide, rise := 0.0, 0.0
		places := map[int]bool{}
		for _, r := range layer {
			g := l.rungs[r]
			if g.box >= 0 {
				wide = max(wide, boxes[g.box].width)
			}
			for _, n := range g.after {
				rise = max(rise, l.rungs[n].y-g.y, g.y-l.rungs[n].y)
				places[n] = true
			}
		}
		onlyLeaves := true
		for _, r := range layer {
			onlyLeaves = onlyLeaves && l.rungs[r].box >= 0 && boxes[l.rungs[r].box].leaf
		}
		left[k], right[k] = x, x+wide
		x += wide
		if k+1 < len(l.layers) {
			x += sp.column(len(places), rise)
		}
		for _, r := range layer {
			if g := l.rungs[r]; g.box >= 0 {
				b := &boxes[g.box]
				b.x = left[k] + (wide-b.width)/2
				if onlyLeaves {
					b.x = left[k] + wide - b.width // edges begin at once
				}
				b.y = g.y - g.port - top
			}
		}
	}
	for _, e := range links {
		var route []bend
		a, z := boxes[e.from].layer, boxes[e.to].layer
		for k := a; k <= z; k++ {
			bd := bend{layer: k, left: left[k], right: right[k]}
			switch k {
			case a:
				bd.left, bd.y = boxes[e.from].x+boxes[e.from].width, l.rungs[l.chain[e.from][0]].y-top
			case z:
				bd.right, bd.y = boxes[e.to].x, l.rungs[l.chain[e.to][0]].y-top
			default:
				bd.y = l.rungs[l.chain[e.from][k-a]].y - top
			}
			route = append(route, bd)
		}
		routes = append(routes, route)
	}
	return routes, x, bottom - top
}
