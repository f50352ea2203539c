package dataset

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// A file is read in chunks: ranges of its bytes, each the records that begin in it. A chunk is parsed on the assumption that a record begins
// after its first line end. Chunks are joined in the order of the file, and only then is it known where the one before really ended: where
// the assumption was wrong (a cell in quotes goes over the boundary, with a line end in it) the chunk is parsed again from there.
// So the table does not depend on the chunks.

// chunk is what was read of one. Rows, and lines with shift, are counted from its beginning.
type chunk struct {
	from, to int64 // places of its first record, and of the first after it
	first    int   // line that was counted for from
	lines    int   // from there to to
	rows     int
	blocks   []*block
	index    lineIndex
	breaks   []lineBreak
	problems []*Error // the first of them
	total    int
	err      error // final
	unsure   bool  // given up: nothing else is valid
	zero     int   // first line with index 0, 0: none
	qid      int
	sparse   []*sparseBlock
}

// parser reads records of one window. There is one for every thread.
type parser struct {
	t         *reading
	name      string // of the file
	w         *window
	records   records
	delimited *delimited // records, where it is that
	libsvm    *libsvm
	stage     *stage
	sparse    *sparseStage
	others    []*parser // of the other threads
	limit     int       // rows to read at most; 0: all
}

// errUnsure ends the parsing of a chunk whose assumption leads too far.
var errUnsure = errors.New("a record goes on for too long")

// another makes a parser with the same columns for another thread.
func (p *parser) another(src source, room int) *parser {
	q := &parser{t: p.t, name: p.name, w: &window{block: room}}
	if src.text == nil {
		q.w.buf = padded(room)
	}
	q.w.quotes, q.w.delim = p.w.quotes, p.w.delim
	switch r := p.records.(type) {
	case *delimited:
		q.delimited = &delimited{w: q.w, name: r.name, delim: r.delim, names: r.names, counted: r.counted}
		q.records = q.delimited
	case *libsvm:
		q.libsvm = &libsvm{w: q.w, name: r.name}
		q.records = q.libsvm
	case *jsonl:
		q.records = &jsonl{w: q.w, name: r.name, names: r.names, columns: r.columns}
	}
	return q
}

// source is what chunks are cut from: a file, or text in memory with padding behind it.
type source struct {
	file    io.ReaderAt
	text    []byte
	size    int64
	partial bool // the input goes on behind it
}

// reset lets the parser begin at a place.
func (p *parser) reset(src source, from int64, line int) {
	p.w.partial = src.partial
	if src.text != nil {
		p.w.resetTo(src.text, int(from), line)
	} else {
		p.w.reset(io.NewSectionReader(src.file, from, src.size-from), from, line)
	}
	switch r := p.records.(type) {
	case *delimited:
		r.failed, r.blanks, r.give = nil, 0, 0
	case *libsvm:
		r.failed, r.zero, r.qid = nil, 0, 0
	case *jsonl:
		r.failed = nil
	}
}

// run reads the records that begin before stop.
func (p *parser) run(stop int64) *chunk {
	w := p.w
	out := &chunk{from: w.settled(), first: w.line}
	if p.stage == nil {
		room := p.t.blockRows
		if room == 0 {
			room = stageRows(len(p.t.used))
		}
		p.stage = newStage(p.t.used, room)
		if p.libsvm != nil {
			p.sparse = newSparseStage(2 * stageEntries)
			p.sparse.plain = p.t.stream != nil
		}
	}
	s := p.stage
	room := s.room
	defer func() { s.room = room }()
	quick := !p.t.plodding && (p.libsvm != nil || p.delimited != nil && len(p.delimited.names) > 1)
	for {
		if s.full() || p.sparse != nil && p.sparse.full() {
			p.seal(out)
		}
		if w.settled() >= stop || p.limit > 0 && out.rows == p.limit {
			break
		}
		if p.limit > 0 {
			s.room = min(room, s.rows+p.limit-out.rows)
		}
		if last := w.lastEnd(); quick && w.pos < last && !w.skipLF {
			b, stop := w.buf[:w.end+padding], int(min(stop-w.base, int64(w.end)))
			var next, rows int
			if p.sparse != nil {
				next, rows = p.sparse.quick(s, b, w.pos, last, stop)
			} else {
				next, rows = s.quick(b, w.pos, last, stop, p.t.places, w.delim)
			}
			if rows > 0 {
				out.index.addRun(w.line, 1, rows, false)
				out.rows += rows
				w.line += rows
				w.pos, w.walked = next, 0
				continue
			}
		}
		r, err := p.records.next()
		if e, ok := err.(*Error); err != nil && (!ok || e.Err != nil) { // the end, or a failed input
			if err != io.EOF {
				out.err, out.unsure = err, ok && e.Err == errUnsure
			}
			break
		}
		if w.base+int64(w.last.pos) >= stop { // after lines that are none
			w.unread()
			break
		}
		if err != nil {
			e := err.(*Error)
			if out.total++; out.total <= maxListed {
				out.problems = append(out.problems, e)
			}
			if e.final {
				out.err = e
				break
			}
			continue
		}
		out.index.add(r.Line, false)
		p.record(out, r)
		out.rows++
	}
	p.seal(out)
	out.to, out.lines = w.settled(), w.line-out.first
	if p.libsvm != nil {
		out.zero, out.qid = p.libsvm.zero, p.libsvm.qid
	}
	return out
}

// record puts a record into the stage.
func (p *parser) record(out *chunk, r *Record) {
	s := p.stage
	if p.libsvm != nil {
		s.cell(0, r.Label, false)
		s.rows++
		p.sparse.add(r)
		return
	}
	for i, at := range p.t.places {
		c := &r.Cells[i]
		if r.broken {
			if n := lineEnds(c.Text); n > 0 {
				out.breaks = append(out.breaks, lineBreak{out.rows, int32(i + 1), int32(n)})
			}
		}
		switch {
		case at < 0:
		case c.Absent:
			s.skip(int(at), nil)
		default:
			s.cell(int(at), c.Text, c.Quoted)
		}
	}
	s.rows++
}

func (p *parser) seal(out *chunk) {
	if p.stage.rows == 0 {
		return
	}
	first := out.rows - p.stage.rows
	b := p.stage.seal()
	b.first = first
	if p.t.stream != nil {
		for at := range b.parts {
			if m := b.parts[at].more; m != nil && m.words != nil { // another thread will read them
				m.of, m.words = m.words, m.words.beginning()
			}
		}
	}
	p.t.keep(b, p.t.used)
	out.blocks = append(out.blocks, b)
	if p.sparse != nil {
		b := p.sparse.seal()
		if b.columns != nil {
			p.t.keep(b.columns, nil)
		}
		out.sparse = append(out.sparse, b)
	}
}

// join appends a chunk to the table; nil to go on.
func (t *reading) join(c *chunk) error {
	if t.stream != nil && t.stream.begun {
		return t.stream.join(c)
	}
	if err := t.t.scratch.Err(); err != nil {
		return err
	}
	if c.err != nil {
		if e, ok := c.err.(*Error); !ok || e.Err != nil {
			return c.err // a failed input says only that, as nothing that was read before it counts
		}
	}
	file := len(t.t.files) - 1
	shift := t.line - c.first
	for _, e := range c.problems {
		e.Line += shift
		t.problems.add(file, e)
	}
	t.problems.total += c.total - len(c.problems)
	t.t.lines.join(&c.index, shift, t.t.Rows == t.t.files[file].first)
	for _, b := range c.breaks {
		b.row += t.t.Rows
		t.t.breaks = append(t.t.breaks, b)
	}
	for _, b := range c.blocks {
		b.first += t.t.Rows
		t.blocks = append(t.blocks, b)
		for at, u := range t.used {
			if m := b.parts[at].more; m != nil {
				u.bytes += m.bytes
			}
		}
	}
	total := 0
	for _, u := range t.used {
		if total += u.bytes; total > t.room && u.lost.CompareAndSwap(false, true) && t.o.Memory > 0 {
			for _, b := range t.blocks {
				b.parts[u.at].lose()
			}
			total -= u.bytes
			u.bytes = 0
		}
	}
	t.sparse = append(t.sparse, c.sparse...)
	for _, s := range c.sparse {
		t.entries += int64(len(s.index))
	}
	if t.o.Entries > 0 && t.entries > t.o.Entries {
		return &Error{File: t.t.files[file].name, Message: "the entries of LIBSVM data cannot go to a scratch file, and there are more than the bound on memory allows",
			Cure: "a larger bound, or a CSV file", final: true}
	}
	if c.zero > 0 && t.zero == 0 {
		t.zero = c.zero + shift
	}
	if c.qid > 0 && t.qid == 0 {
		t.qid = c.qid + shift
	}
	t.t.Rows += c.rows
	t.line += c.lines
	t.stopped = c.err != nil
	return nil
}

// Sizes of chunks: large enough that few boundaries and heads of blocks matter, small enough that all threads have some.
const (
	leastChunk = 1 << 20
	mostChunk  = 8 << 20
	linesChunk = 512
)

// pieces is how many bytes a chunk has.
func (t *reading) pieces(p *parser) int64 {
	if t.piece > 0 {
		return int64(t.piece)
	}
	line := bytes.IndexByte(p.w.buf[p.w.pos:p.w.end], '\n')
	if line < 0 {
		line = p.w.end - p.w.pos
	}
	return int64(max(leastChunk, min(linesChunk*line, mostChunk)))
}

// rows reads the rows of a file; p stands after its header. raw is the file as it was opened.
func (t *reading) rows(p *parser, in *input, raw io.Reader) error {
	w := p.w
	t.line = w.line
	if n := t.stream.limit(); n > 0 {
		p.limit = n
		c := p.run(1<<63 - 1)
		p.limit, p.stage, p.sparse = 0, nil, nil // columns have their types now
		if err := t.join(c); err != nil || t.stopped || t.stream.limit() > 0 {
			return err
		}
		if err := t.stream.begin(); err != nil {
			return err
		}
	}
	piece := t.pieces(p)
	from := w.settled()
	oneColumn := p.delimited != nil && len(p.delimited.names) == 1 // its blank lines are rows if others follow: that takes order
	if oneColumn || w.done && int64(w.end-w.pos) <= piece {
		return t.join(p.run(1<<63 - 1))
	}
	if t.threads == 1 { // joined chunk by chunk all the same: only then is what texts take counted
		for stop := from + piece; ; stop += piece {
			c := p.run(stop)
			if err := t.join(c); err != nil || t.stopped || c.to < stop {
				return err
			}
		}
	}
	if file, ok := raw.(io.ReaderAt); ok && in.plain && in.size > 0 && atBeginning(raw, in.size) {
		progress := func(read int64) {
			if t.o.Progress != nil {
				t.o.Progress(read, in.size)
			}
		}
		to, err := t.parallel(p, source{file: file, size: in.size}, from, piece, progress)
		if err == nil && !t.stopped && to < in.size {
			err = inputError(p.name, errors.New("the file became shorter while it was read"))
		}
		return err
	}
	return t.batches(p, in, piece)
}

// atBeginning reports whether the input was at its beginning when it was given to us, so that places in it are those of ReadAt.
func atBeginning(r io.Reader, size int64) bool {
	switch r := r.(type) {
	case regular:
		return true
	case interface {
		Size() int64
	}:
		return r.Size() == size
	}
	return false
}

// regular is an ordinary file that was opened here.
type regular struct{ *os.File }

// parallel reads the records of src from a place on, with all threads. to is where the first record begins that was not read.
func (t *reading) parallel(p *parser, src source, from, piece int64, progress func(int64)) (to int64, err error) {
	n := int((src.size - from + piece - 1) / piece)
	var (
		next   atomic.Int64 // chunk to be taken
		stop   atomic.Bool
		mu     sync.Mutex
		done   = make(map[int]*chunk) // parsed, not joined
		joined int
	)
	// The rows of a stream are not kept, so that no thread may run far ahead of them.
	ahead, waiting := n, sync.NewCond(&mu)
	if t.stream != nil {
		ahead = 2 * t.threads
	}
	to = from
	end := func(i int) int64 { return min(from+int64(i+1)*piece, src.size) }
	// join takes what is there, in the order of the file.
	join := func(q *parser) {
		for {
			c, ok := done[joined]
			if !ok || stop.Load() {
				return
			}
			delete(done, joined)
			stopAt := end(joined)
			joined++
			if to >= stopAt {
				continue // a record of the chunk before fills it
			}
			if c.unsure || c.from != to || c.err != nil { // an error may name lines
				q.w.more = t.ctx.Err
				q.reset(src, to, t.line)
				c = q.run(stopAt)
			}
			if err = t.join(c); err != nil || t.stopped || src.partial && c.to < stopAt {
				stop.Store(true)
			}
			to = c.to
			progress(to)
		}
	}
	for len(p.others) < min(t.threads, n) {
		p.others = append(p.others, p.another(src, int(piece)+int(piece)/8+4096))
	}
	work := func(q *parser) {
		for !stop.Load() {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			mu.Lock()
			for i > joined+ahead && !stop.Load() {
				waiting.Wait()
			}
			mu.Unlock()
			start, stopAt := from, end(i)
			if i > 0 {
				start = end(i-1) - 1
			}
			q.w.more = func() error {
				if q.w.base+int64(q.w.end) > stopAt+max(piece, 1<<16) {
					return errUnsure
				}
				return t.ctx.Err()
			}
			q.reset(src, start, 1)
			var c *chunk
			if i > 0 && !q.w.skipLine() {
				c = &chunk{unsure: true} // no record begins here, it seems
			} else {
				c = q.run(stopAt)
			}
			mu.Lock()
			done[i] = c
			join(q)
			waiting.Broadcast()
			mu.Unlock()
		}
	}
	var all sync.WaitGroup
	for i := range min(t.threads, n) {
		all.Go(func() { work(p.others[i]) })
	}
	all.Wait()
	return to, err
}

// skipLine passes over what is left of a line, whatever stands in it.
func (w *window) skipLine() bool {
	quotes := w.quotes
	w.quotes = 0
	_, _, _, state := w.record()
	w.quotes, w.quote, w.line = quotes, -1, 1
	return state == whole
}

// batches reads the rows of an input that can only be read from its beginning to its end: in batches that are in memory as a whole, the next of which is read while one is parsed.
func (t *reading) batches(p *parser, in *input, piece int64) error {
	size := int(piece) * max(2*t.threads, 4)
	type batch struct {
		text []byte
		err  error // io.EOF: the last one
	}
	w := p.w
	text := append(make([]byte, 0, size+w.end+padding), w.buf[w.pos:w.end]...)
	parse := func(last bool) (to int64, err error) {
		return t.parallel(p, source{text: text, size: int64(len(text)), partial: !last}, 0, piece, func(int64) {})
	}
	if w.done {
		_, err := parse(true)
		return err
	}
	batches, free := make(chan batch), make(chan []byte, 2)
	free <- make([]byte, size)
	free <- make([]byte, size)
	quit := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(batches)
		more := in.watch(t.ctx, t.o.Progress)
		for {
			var text []byte
			select {
			case text = <-free:
			case <-quit:
				return
			}
			n, empty := 0, 0
			var err error
			for n < len(text) && err == nil && empty < 100 {
				if err = more(); err != nil {
					break
				}
				var k int
				k, err = in.r.Read(text[n:min(len(text), n+1<<18)])
				if n += k; k > 0 {
					empty = 0
				} else {
					empty++
				}
			}
			if empty == 100 && err == nil {
				err = io.ErrNoProgress
			}
			select {
			case batches <- batch{text[:n], err}:
			case <-quit:
				return
			}
			if err != nil {
				return
			}
		}
	})
	defer reader.Wait()
	defer close(quit)
	least := 0
	for b := range batches {
		if need := len(text) + len(b.text) + padding; need > cap(text) {
			text = append(make([]byte, 0, max(need, 2*cap(text))), text...)
		}
		text = append(text, b.text...)
		free <- b.text[:cap(b.text)]
		if len(text) < least && b.err == nil {
			continue
		}
		to, err := parse(b.err == io.EOF)
		if err != nil || t.stopped {
			return err
		}
		if b.err == io.EOF {
			return nil
		}
		if b.err != nil {
			return inputError(p.name, b.err)
		}
		if least = 0; to == 0 {
			least = 2 * len(text) // one record, so far: not to be begun again for every batch
		}
		text = append(text[:0], text[to:]...)
	}
	return nil
}

// each calls f for 0 … n-1, on all threads.
func (t *reading) each(n int, f func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(t.threads, n) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	all.Wait()
}
