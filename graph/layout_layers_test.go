package graph

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// randomDrawing is an acyclic graph of boxes; seed is printed by whoever fails.
func randomDrawing(seed uint64) ([]box, []link) {
	rng := rand.New(rand.NewPCG(seed, 7))
	boxes := make([]box, 2+rng.IntN(40))
	var links []link
	for i := range boxes {
		h := 20 + float64(rng.IntN(80))
		boxes[i] = box{width: 40 + float64(rng.IntN(200)), height: h, port: math.Floor(h / 2), leaf: true}
		for range min(i, rng.IntN(4)) {
			e := link{rng.IntN(i), i}
			known := false
			for _, o := range links {
				known = known || o == e
			}
			if !known {
				links = append(links, e)
				boxes[i].leaf = false
			}
		}
	}
	return boxes, links
}

var pictureSpacing = spacing{between: 14, lane: 22, column: func(int, float64) float64 { return 60 }}

// Whatever the graph: boxes do not overlap, edges begin and end at their boxes, run from left to
// right, and touch no other box.
func TestArrange(t *testing.T) {
	long := 0
	for seed := range uint64(400) {
		boxes, links := randomDrawing(seed)
		routes, width, height := arrange(boxes, links, pictureSpacing)
		const slack = 1e-6
		for i, a := range boxes {
			if a.x < -slack || a.y < -slack || a.x+a.width > width+slack || a.y+a.height > height+slack {
				t.Fatalf("seed %d: box %d is outside the picture", seed, i)
			}
			for j, b := range boxes[:i] {
				if a.x < b.x+b.width-slack && b.x < a.x+a.width-slack && a.y < b.y+b.height-slack && b.y < a.y+a.height-slack {
					t.Fatalf("seed %d: boxes %d and %d overlap", seed, i, j)
				}
			}
		}
		for i, e := range links {
			a, b, r := boxes[e.from], boxes[e.to], routes[i]
			if a.layer >= b.layer {
				t.Fatalf("seed %d: link %d does not go forward", seed, i)
			}
			if len(r) != b.layer-a.layer+1 {
				t.Fatalf("seed %d: link %d has %d bends over %d layers", seed, i, len(r), b.layer-a.layer)
			}
			if len(r) > 2 {
				long++
			}
			first, last := r[0], r[len(r)-1]
			if math.Abs(first.left-(a.x+a.width)) > slack || math.Abs(first.y-(a.y+a.port)) > slack ||
				math.Abs(last.right-b.x) > slack || math.Abs(last.y-(b.y+b.port)) > slack {
				t.Fatalf("seed %d: link %d does not join its boxes", seed, i)
			}
			for k, p := range r {
				if p.right < p.left-slack || k > 0 && p.left <= r[k-1].right {
					t.Fatalf("seed %d: link %d turns back", seed, i)
				}
				for j, c := range boxes {
					if j != e.from && j != e.to && p.y > c.y-slack && p.y < c.y+c.height+slack && p.left < c.x+c.width-slack && p.right > c.x+slack {
						t.Fatalf("seed %d: link %d runs through box %d", seed, i, j)
					}
				}
				// Between columns there are no boxes to meet.
				for j, c := range boxes {
					if k > 0 && c.x < p.left-slack && c.x+c.width > r[k-1].right+slack {
						t.Fatalf("seed %d: box %d stands between two columns", seed, j)
					}
				}
			}
		}
	}
	if long < 100 {
		t.Errorf("only %d links of the random graphs pass a column", long)
	}
}

func TestArrangeIsDeterministic(t *testing.T) {
	for seed := range uint64(20) {
		a, links := randomDrawing(seed)
		b, _ := randomDrawing(seed)
		ra, _, _ := arrange(a, links, pictureSpacing)
		rb, _, _ := arrange(b, links, pictureSpacing)
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(ra, rb) {
			t.Errorf("seed %d: two layouts differ", seed)
		}
	}
}

func TestArrangeNothing(t *testing.T) {
	if routes, w, h := arrange(nil, nil, pictureSpacing); routes != nil || w != 0 || h != 0 {
		t.Errorf("no boxes take %v by %v", w, h)
	}
}

// In characters, too, every link can be followed from its source to its target. Where no line that
// branches meets a line that others have joined, nothing else can be followed.
func TestTextEdgesCanBeFollowed(t *testing.T) {
	drawn, clean := 0, 0
	for seed := range uint64(300) {
		boxes, links := randomDrawing(seed)
		cards := make([]*Card, min(len(boxes), 9))
		text := make([]textCard, len(cards))
		var few []link
		for _, e := range links {
			if e.to < len(cards) {
				few = append(few, e)
			}
		}
		for i := range cards {
			cards[i] = &Card{Name: string(rune('A' + i)), leaf: boxes[i].leaf}
			cards[i].Formula = cards[i].Name
			text[i] = cards[i].text(false, loose, cards)
		}
		p, ok := drawText(cards, text, few, 1000, loose)
		if !ok {
			continue // shown as a list
		}
		drawn++
		lines := p.lines()
		got := follow(lines)
		for _, e := range few {
			if !got[[2]string{cards[e.from].Name, cards[e.to].Name}] {
				t.Fatalf("seed %d: no way from %s to %s\n%s", seed, cards[e.from].Name, cards[e.to].Name, join(lines))
			}
			delete(got, [2]string{cards[e.from].Name, cards[e.to].Name})
		}
		if p.shared {
			continue
		}
		clean++
		for e := range got {
			t.Fatalf("seed %d: a way from %s to %s that is no link\n%s", seed, e[0], e[1], join(lines))
		}
	}
	if drawn < 150 || clean < 50 {
		t.Errorf("only %d of 300 graphs could be drawn, %d without shared lines", drawn, clean)
	}
}

func join(lines []string) string {
	s := ""
	for _, l := range lines {
		s += l + "\n"
	}
	return s
}

// follow walks every edge of a drawing: from the right of a card along the lines to arrow heads.
// A line that meets a bar crosswise passes under it.
func follow(lines []string) map[[2]string]bool {
	grid := make([][]rune, len(lines))
	for i, l := range lines {
		grid[i] = []rune(l)
	}
	at := func(x, y int) rune {
		if y < 0 || y >= len(grid) || x < 0 || x >= len(grid[y]) {
			return ' '
		}
		return grid[y][x]
	}
	arms := func(r rune) uint8 {
		for i, a := range armRunes {
			if a == r && r != ' ' {
				switch r {
				case '│':
					return armUp | armDown
				case '─':
					return armLeft | armRight
				}
				return uint8(i)
			}
		}
		return 0
	}
	name := func(x, y, step int) string {
		for ; x >= 0 && x < len(grid[y]); x += step {
			if r := at(x, y); r >= 'A' && r <= 'Z' {
				return string(r)
			}
		}
		return "?"
	}
	found := map[[2]string]bool{}
	type place struct {
		x, y int
		from uint8 // the arm it was entered by
	}
	for y := range grid {
		for x, r := range grid[y] {
			starts := r == '├' && at(x-1, y) == ' ' && at(x-2, y) >= 'A' && at(x-2, y) <= 'Z' ||
				r == '─' && at(x-1, y) == ' ' && at(x-2, y) >= 'A' && at(x-2, y) <= 'Z'
			if !starts {
				continue
			}
			source := name(x-1, y, -1)
			seen := map[place]bool{}
			var walk func(p place)
			walk = func(p place) {
				if seen[p] {
					return
				}
				seen[p] = true
				r := at(p.x, p.y)
				if r == '►' {
					found[[2]string{source, name(p.x, p.y, 1)}] = true
					return
				}
				a := arms(r)
				if r == '│' && p.from == armLeft { // passes under
					walk(place{p.x + 1, p.y, armLeft})
					return
				}
				if a&p.from == 0 {
					return
				}
				// Edges run from left to right, along a track up or down.
				if a&armRight != 0 {
					walk(place{p.x + 1, p.y, armLeft})
				}
				if a&armUp != 0 && p.from != armUp {
					walk(place{p.x, p.y - 1, armDown})
				}
				if a&armDown != 0 && p.from != armDown {
					walk(place{p.x, p.y + 1, armUp})
				}
			}
			walk(place{x + 1, y, armLeft})
		}
	}
	return found
}
