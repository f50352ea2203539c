package engine

import (
	"errors"
	"fmt"
)

// partSource is some chunks of a source.
type partSource struct {
	Source
	layout Layout
	chunks []int
}

func (p *partSource) Layout() *Layout { return &p.layout }

func (p *partSource) Chunk(k int) (Block, error) {
	if k < 0 || k >= len(p.chunks) {
		return Block{}, fmt.Errorf("engine: no chunk %d in a part of %d", k, len(p.chunks))
	}
	b, err := p.Source.Chunk(p.chunks[k])
	b.First = k * p.ChunkRows()
	return b, err
}

// Part is the cost of the rows of some chunks (ascending), as if there were no others: means are over them, with m in proportion to the rows. It
// shares what is compiled with b, but no copy of Rough. It is not offered where rows have a mask or columns of their own, or are split between processes.
func (b *Objective) Part(chunks []int) (*Objective, error) {
	e := b.e
	if b.o.Mask.Counts != nil || b.o.Mask.Chunks != nil || len(b.in.Columns) > 0 || e.o.To > 0 || e.o.Reduce != nil {
		return nil, errors.New("engine: a part of rows with a mask, columns of their own or other processes is not offered")
	}
	src := &partSource{Source: e.src, layout: *e.layout.Layout, chunks: append([]int(nil), chunks...)}
	src.layout.Rows = 0
	for i, k := range chunks {
		if k < 0 || k >= e.Chunks() || i > 0 && k <= chunks[i-1] {
			return nil, fmt.Errorf("engine: chunk numbers must ascend within 0 to %d", e.Chunks()-1)
		}
		src.layout.Rows += min(e.chunk, e.layout.Rows-k*e.chunk)
	}
	if src.layout.Rows == 0 {
		return nil, errors.New("engine: a part of no rows")
	}
	if err := b.second(); err != nil {
		return nil, err
	}
	of, err := New(src, e.o)
	if err != nil {
		return nil, err
	}
	p := *b
	p.e, p.m = of, b.m*float64(src.layout.Rows)/float64(e.layout.Rows)
	p.theta, p.valid, p.direction, p.heads, p.line = nil, false, nil, nil, nil
	p.roughly = nil // of all rows
	p.keeps = nil
	pointed := *b.pointed
	pointed.kept = append([][]float64(nil), b.pointed.kept...)
	first := len(pointed.kept) - len(b.keeps)
	for i, k := range b.keeps {
		k.data = make([]float64, of.Rows()*k.node.Shape.Size())
		p.keeps = append(p.keeps, k)
		pointed.kept[first+i] = k.data
	}
	p.pointed = &pointed
	return &p, nil
}
