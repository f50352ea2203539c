package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/descent-ml/descent"
)

// progress is one line of standard error that is written again and again. A nil progress writes nothing: standard error is no terminal.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	last  time.Time
	begin time.Time
	shown bool
}

// step shows a step of a solver, ten times a second at most.
func (p *progress) step(s descent.Progress) {
	if s.Stage != "" {
		p.show(fmt.Sprintf("%s   %d passes", s.Stage, s.Passes))
		return
	}
	if s.Rows > 0 {
		p.show(fmt.Sprintf("%d rows   progressive loss %.6f", s.Rows, s.Cost))
		return
	}
	p.show(fmt.Sprintf("step %d   J %.9g   |dJ| %.2g   %d passes", s.Step, s.Cost, s.GradientNorm, s.Passes))
}

// rows shows how many rows are done.
func (p *progress) rows(n int) {
	if n&0x3ff == 0 {
		p.show(fmt.Sprintf("%d rows", n))
	}
}

func (p *progress) show(text string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.begin.IsZero() {
		p.begin = now
	}
	if now.Sub(p.last) < 100*time.Millisecond || now.Sub(p.begin) < 300*time.Millisecond {
		return // what is done in a moment needs no progress
	}
	p.last, p.shown = now, true
	fmt.Fprintf(p.w, "\r\x1b[K%s   %.1f s", text, now.Sub(p.begin).Seconds())
}

// clear takes the line away before something else is written.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
