package dataset

import "sort"

// lineIndex finds the physical line of a row. Where lines are regular (one row a line, or every second line …) a run of
// any length takes one entry.
type lineIndex struct {
	runs []lineRun
	rows int
}

type lineRun struct {
	row, line int // the first row and its line
	step      int // lines from one row to the next; 0 until the run has a second row
}

// add appends the next row. fresh begins a new file.
func (x *lineIndex) add(line int, fresh bool) {
	row := x.rows
	x.rows++
	if n := len(x.runs); n > 0 && !fresh {
		r := &x.runs[n-1]
		if row-r.row == 1 && r.step == 0 {
			r.step = line - r.line
			return
		}
		if line == r.line+(row-r.row)*r.step {
			return
		}
	}
	x.runs = append(x.runs, lineRun{row: row, line: line})
}

// addRun appends rows, the first on the given line and each of the others step lines further.
func (x *lineIndex) addRun(line, step, rows int, fresh bool) {
	x.add(line, fresh)
	if rows == 1 {
		return
	}
	row := x.rows - 1
	switch r := &x.runs[len(x.runs)-1]; {
	case r.row == row:
		r.step = step
	case r.step != step:
		x.runs = append(x.runs, lineRun{row, line, step}) // takes the row over
	}
	x.rows += rows - 1
}

// join appends the rows of another index, with so many lines before it.
func (x *lineIndex) join(o *lineIndex, before int, fresh bool) {
	for i, r := range o.runs {
		end := o.rows
		if i+1 < len(o.runs) {
			end = o.runs[i+1].row
		}
		if end > r.row { // else the next run took its only row over
			x.addRun(r.line+before, r.step, end-r.row, fresh && i == 0)
		}
	}
}

func (x *lineIndex) line(row int) int {
	i := sort.Search(len(x.runs), func(i int) bool { return x.runs[i].row > row }) - 1
	r := x.runs[i]
	return r.line + (row-r.row)*r.step
}

// lineBreak notes line ends inside a cell.
type lineBreak struct {
	row           int
	column, lines int32 // column from 1
}

// cellLine is the physical line at which a cell of a row begins; column from 1.
func (t *Table) cellLine(row, column int) int {
	row = t.Origin(row)
	line := t.lines.line(row)
	i := sort.Search(len(t.breaks), func(i int) bool { return t.breaks[i].row >= row })
	for ; i < len(t.breaks) && t.breaks[i].row == row; i++ {
		if int(t.breaks[i].column) < column {
			line += int(t.breaks[i].lines)
		}
	}
	return line
}

// fileRows is where one file's rows begin.
type fileRows struct {
	name  string
	first int // row
}

// fileOf is the position in files of a row's file.
func (t *Table) fileOf(row int) int {
	row = t.Origin(row)
	return sort.Search(len(t.files), func(i int) bool { return t.files[i].first > row }) - 1
}
