package engine

import "fmt"

// A Kind is the type in which the values of a column are stored. Arithmetic is float64 whatever the kind: kernels widen
// the values while they read them, and every value of every kind is a float64. What a narrow kind saves is memory, and
// the time to read it.
type Kind uint8

// The kinds. A column may be of any kind that holds all its values exactly.
const (
	Float64 Kind = iota
	Float32
	Int32
	Int16
	Int8

	kinds // their number
)

// Bytes is the size of one value.
func (k Kind) Bytes() int { return [kinds]int{8, 4, 4, 2, 1}[k] }

func (k Kind) String() string {
	if k < kinds {
		return [kinds]string{"float64", "float32", "int32", "int16", "int8"}[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Cells are the stored values of one dense column.
type Cells interface {
	// Read writes the values of rows from … from+len(out)-1 to out, every one a value of the column's kind. It is
	// called from several goroutines at a time, for each row once.
	Read(out []float64, from int)
}

// Stored is numbers in the memory of one kind: Float64s, Float32s, Int32s, Int16s or Int8s.
type Stored interface {
	Cells
	Kind() Kind
	Len() int
	gather(rows []span, total int) Stored
}

// The slices that are Stored.
type (
	Float64s []float64
	Float32s []float32
	Int32s   []int32
	Int16s   []int16
	Int8s    []int8
)

// Read copies numbers from … from+len(out)-1.
func (v Float64s) Read(out []float64, from int) { copy(out, v[from:from+len(out)]) }

// Read widens numbers from … from+len(out)-1.
func (v Float32s) Read(out []float64, from int) { widen(out, v[from:]) }

// Read widens numbers from … from+len(out)-1.
func (v Int32s) Read(out []float64, from int) { widen(out, v[from:]) }

// Read widens numbers from … from+len(out)-1.
func (v Int16s) Read(out []float64, from int) { widen(out, v[from:]) }

// Read widens numbers from … from+len(out)-1.
func (v Int8s) Read(out []float64, from int) { widen(out, v[from:]) }

// Kind is Float64.
func (v Float64s) Kind() Kind { return Float64 }

// Kind is Float32.
func (v Float32s) Kind() Kind { return Float32 }

// Kind is Int32.
func (v Int32s) Kind() Kind { return Int32 }

// Kind is Int16.
func (v Int16s) Kind() Kind { return Int16 }

// Kind is Int8.
func (v Int8s) Kind() Kind { return Int8 }

// Len is the number of numbers.
func (v Float64s) Len() int { return len(v) }

// Len is the number of numbers.
func (v Float32s) Len() int { return len(v) }

// Len is the number of numbers.
func (v Int32s) Len() int { return len(v) }

// Len is the number of numbers.
func (v Int16s) Len() int { return len(v) }

// Len is the number of numbers.
func (v Int8s) Len() int { return len(v) }

func (v Float64s) gather(rows []span, total int) Stored { return Float64s(gather(v, rows, total)) }
func (v Float32s) gather(rows []span, total int) Stored { return Float32s(gather(v, rows, total)) }
func (v Int32s) gather(rows []span, total int) Stored   { return Int32s(gather(v, rows, total)) }
func (v Int16s) gather(rows []span, total int) Stored   { return Int16s(gather(v, rows, total)) }
func (v Int8s) gather(rows []span, total int) Stored    { return Int8s(gather(v, rows, total)) }

// a span is lo up to hi.
type span struct{ lo, hi int }

// gather puts pieces, of the given length together, one after the other.
func gather[S any](v []S, pieces []span, total int) []S {
	out := make([]S, 0, total)
	for _, p := range pieces {
		out = append(out, v[p.lo:p.hi]...)
	}
	return out
}

type number interface {
	float64 | float32 | int32 | int16 | int8
}

func widen[S number](out []float64, v []S) {
	v = v[:len(out)]
	for i, x := range v {
		out[i] = float64(x)
	}
}
