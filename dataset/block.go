package dataset

import (
	"math"

	"github.com/descent-ml/descent/internal/spill"
)

// block is some consecutive rows as they are kept: of every column in use a part, in the narrowest storage that loses nothing there.
type block struct {
	rows  int
	first int // row of the table
	parts []part

	// The cells of all parts, one kind after the other. The least integer of a kind means missing, as NaN does.
	i8  []int8
	i16 []int16
	i32 []int32
	f32 []float32
	f64 []float64
	// Codes of texts, +1; 0 is missing. They go when the column has its type.
	c8  []uint8
	c16 []uint16
	c32 []uint32

	file   *spill.File // has the cells, if not nil
	places [codes32 + 1]int64
}

// storage is how a part's cells are kept.
type storage uint8

const (
	absent   storage = iota // every cell is missing
	int8s                   // k of k/10^digits
	int16s                  //
	int32s                  //
	packed                  // int32: m<<5 | d of m/10^d, |m| < 2^26: decimals whose digits differ too much for one scale
	float32s                //
	float64s                //
	codes8                  // code of a text
	codes16                 //
	codes32                 //
)

const (
	packedBits = 5
	mostPacked = 1<<26 - 1
	mostInt32  = 1<<31 - 1
)

// part is the cells of one column in a block.
type part struct {
	at        int32 // of its first cell among those of its storage
	storage   storage
	digits    uint8 // integers: the fewest that do
	spelling  spelling
	decimals  uint8 // fixed spelling: of every number
	low, high int32 // integers: least and largest k
	numbers   int32 // cells that are numbers
	missing   int32 // cells without a value
	more      *partTexts
}

// spelling says how the text of a part's numbers is had back.
type spelling uint8

const (
	fixed    spelling = iota // all have part.decimals
	shortest                 // none ends in a superfluous 0
	spelled                  // partTexts.forms says it cell by cell
	unspelt                  // nobody will ask
)

// partTexts is what a part of plain numbers does not need.
type partTexts struct {
	words *dictionary // of the codes
	of    *dictionary // of a stream: the dictionary that words is the beginning of
	na    []NA        // the missing ones but for the rows of the block: counted from its beginning
	forms []uint8     // spelled
	kept  []byte      // texts of irregular numbers, one after the other
	ends  []int       // where each ends; short of them where they were lost
	bytes int         // what keeping them took, or would have

	formsAt int64 // where forms are in the scratch file
}

func (p *part) isCodes() bool { return p.storage >= codes8 }

// readCodes gives the codes of a part's rows, -1 where missing.
func (b *block) readCodes(out []int32, p *part) {
	switch p.storage {
	case codes8:
		for i, c := range b.c8[p.at:][:len(out)] {
			out[i] = int32(c) - 1
		}
	case codes16:
		for i, c := range b.c16[p.at:][:len(out)] {
			out[i] = int32(c) - 1
		}
	case codes32:
		for i, c := range b.c32[p.at:][:len(out)] {
			out[i] = int32(c) - 1
		}
	default:
		for i := range out {
			out[i] = -1
		}
	}
}

var nan = math.NaN()

// read gives the numbers of len(out) rows from row on, absent where there is none.
func (b *block) read(out []float64, p *part, row int, missing float64) {
	at := int(p.at) + row
	switch p.storage {
	case int8s:
		quotients(out, b.i8[at:][:len(out)], math.MinInt8, p.digits, missing)
	case int16s:
		quotients(out, b.i16[at:][:len(out)], math.MinInt16, p.digits, missing)
	case int32s:
		quotients(out, b.i32[at:][:len(out)], math.MinInt32, p.digits, missing)
	case packed:
		for i, k := range b.i32[at:][:len(out)] {
			out[i] = float64(k>>packedBits) / pow10[k&(1<<packedBits-1)%int32(len(pow10))]
			if k == math.MinInt32 {
				out[i] = missing
			}
		}
	case float32s:
		for i, v := range b.f32[at:][:len(out)] {
			out[i] = float64(v)
			if v != v {
				out[i] = missing
			}
		}
	case float64s:
		copy(out, b.f64[at:][:len(out)])
		if missing == missing {
			for i, v := range out {
				if v != v {
					out[i] = missing
				}
			}
		}
	default:
		for i := range out {
			out[i] = missing
		}
	}
}

// quotients gives k/10^digits.
func quotients[T int8 | int16 | int32](out []float64, in []T, none T, digits uint8, missing float64) {
	scale := pow10[digits]
	if digits == 0 {
		for i, k := range in {
			out[i] = float64(k)
			if k == none {
				out[i] = missing
			}
		}
		return
	}
	for i, k := range in {
		out[i] = float64(k) / scale
		if k == none {
			out[i] = missing
		}
	}
}

// readScaled gives k·10^more of a part of integers.
func (b *block) readScaled(out []float64, p *part, row int, scale, missing float64) {
	at := int(p.at) + row
	switch p.storage {
	case int8s:
		products(out, b.i8[at:][:len(out)], math.MinInt8, scale, missing)
	case int16s:
		products(out, b.i16[at:][:len(out)], math.MinInt16, scale, missing)
	case int32s:
		products(out, b.i32[at:][:len(out)], math.MinInt32, scale, missing)
	default:
		for i := range out {
			out[i] = missing
		}
	}
}

func products[T int8 | int16 | int32](out []float64, in []T, none T, scale, missing float64) {
	for i, k := range in {
		out[i] = float64(k) * scale
		if k == none {
			out[i] = missing
		}
	}
}

// readIntegers gives the k of len(out) rows from row on, multiplied by times.
func (b *block) readIntegers(out []int32, p *part, row int, times, missing int32) {
	at := int(p.at) + row
	switch p.storage {
	case int8s:
		integers(out, b.i8[at:][:len(out)], math.MinInt8, times, missing)
	case int16s:
		integers(out, b.i16[at:][:len(out)], math.MinInt16, times, missing)
	case int32s:
		if in := b.i32[at:][:len(out)]; times == 1 && missing == NoInteger {
			copy(out, in)
		} else {
			integers(out, in, math.MinInt32, times, missing)
		}
	default:
		for i := range out {
			out[i] = missing
		}
	}
}

func integers[T int8 | int16 | int32](out []int32, in []T, none T, times, missing int32) {
	for i, k := range in {
		v := int32(k) * times
		if k == none {
			v = missing
		}
		out[i] = v
	}
}
