package modelfile

import "bytes"

const (
	width = 100 // a value that fits in it, and is not deep, stands on one line
	deep  = 2   // a list or object may hold such lists or objects as hold none
)

// layout breaks one-line JSON into lines for people and for git diff. A list or object stands on one line where it
// fits; a longer list of numbers or words is filled like a paragraph; everything else has a line per member.
func layout(compact []byte) []byte {
	l := liner{in: compact}
	l.broken(0) // the outer object always has a line per member
	l.out.WriteByte('\n')
	return l.out.Bytes()
}

type liner struct {
	in  []byte
	pos int
	out bytes.Buffer
}

func (l *liner) newline(indent int) {
	l.out.WriteByte('\n')
	for range indent {
		l.out.WriteString("  ")
	}
}

// scalar is the end of the string, number or word at pos.
func (l *liner) scalar(pos int) int {
	if l.in[pos] == '"' {
		for pos++; l.in[pos] != '"'; pos++ {
			if l.in[pos] == '\\' {
				pos++
			}
		}
		return pos + 1
	}
	for pos < len(l.in) && l.in[pos] != ',' && l.in[pos] != ']' && l.in[pos] != '}' {
		pos++
	}
	return pos
}

// fits is the end of the value at pos if it can stand on one line of so many columns.
func (l *liner) fits(pos, columns int) (end int, ok bool) {
	depth, used := 0, 0
	for {
		switch l.in[pos] {
		case '{', '[':
			depth++
			used++
			pos++
		case '}', ']':
			depth--
			used++
			pos++
		case ',', ':':
			used += 2
			pos++
			continue
		default:
			end := l.scalar(pos)
			used += end - pos
			pos = end
			if l.in[pos-1] == '"' && depth > 0 && l.in[pos] == ':' { // a key
				continue
			}
		}
		if depth > deep || used > columns {
			return 0, false
		}
		if depth == 0 {
			return pos, true
		}
	}
}

// inline writes in[pos:end] with a blank after each comma and colon.
func (l *liner) inline(end int) {
	for l.pos < end {
		switch c := l.in[l.pos]; c {
		case ',', ':':
			l.out.WriteByte(c)
			l.out.WriteByte(' ')
			l.pos++
		case '{', '[', '}', ']':
			l.out.WriteByte(c)
			l.pos++
		default:
			e := l.scalar(l.pos)
			l.out.Write(l.in[l.pos:e])
			l.pos = e
		}
	}
}

// value writes the value at pos; the line already holds column characters.
func (l *liner) value(indent, column int) {
	if end, ok := l.fits(l.pos, width-column); ok {
		l.inline(end)
		return
	}
	switch l.in[l.pos] {
	case '{':
		l.broken(indent)
	case '[':
		if !l.filled(indent) {
			l.broken(indent)
		}
	default:
		l.inline(l.scalar(l.pos))
	}
}

// broken writes a list or object with a line per member.
func (l *liner) broken(indent int) {
	object := l.in[l.pos] == '{'
	l.out.WriteByte(l.in[l.pos])
	l.pos++
	if c := l.in[l.pos]; c == '}' || c == ']' {
		l.out.WriteByte(c)
		l.pos++
		return
	}
	for {
		l.newline(indent + 1)
		column := 2 * (indent + 1)
		if object {
			end := l.scalar(l.pos)
			l.out.Write(l.in[l.pos:end])
			l.out.WriteString(": ")
			column += end - l.pos + 2
			l.pos = end + 1
		}
		l.value(indent+1, column)
		c := l.in[l.pos]
		l.pos++
		if c != ',' {
			l.newline(indent)
			l.out.WriteByte(c)
			return
		}
		l.out.WriteByte(',')
	}
}

// filled writes a list of scalars in full lines, or says no and writes nothing.
func (l *liner) filled(indent int) bool {
	pos := l.pos + 1
	for l.in[pos] != ']' {
		switch l.in[pos] {
		case '{', '[':
			return false
		case ',':
			pos++
		default:
			pos = l.scalar(pos)
		}
	}
	l.out.WriteByte('[')
	l.pos++
	column := width
	for {
		end := l.scalar(l.pos)
		if column+1+end-l.pos+1 > width {
			l.newline(indent + 1)
			column = 2 * (indent + 1)
		} else {
			l.out.WriteByte(' ')
			column++
		}
		l.out.Write(l.in[l.pos:end])
		column += end - l.pos + 1
		l.pos = end + 1
		if l.in[end] == ']' {
			l.newline(indent)
			l.out.WriteByte(']')
			return true
		}
		l.out.WriteByte(',')
	}
}
