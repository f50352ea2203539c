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
	return sort.Search(len(t.files), func(i int) bool { return t.files[i].first > row }) - 1
}
