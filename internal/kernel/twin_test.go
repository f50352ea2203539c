package kernel

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every set that this processor runs against the plain twin, bit for bit.

// sameBits: equal bits, or both NaN (which of two NaNs a sum keeps is the processor's business).
func sameBits[T Float](a, b T) bool {
	return a != a && b != b || math.Float64bits(float64(a)) == math.Float64bits(float64(b))
}

// extremes are what a column may hold besides ordinary numbers.
func extremes[T Float]() []T {
	v := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.25, 1e-8, -1e-8, 2, 36.7, -36.7, 40, -40, 87, -87, 88.5, -88.5, 89, -89, 103, -103, 104.4, -104.6,
		708, -708, 709.7, -709, 710, -710, 744, -745, 746, -746, 1000, -1000, 1e30, -1e30, 1e300, -1e300, 5e-324, -5e-324, 1e-310, 0x1p-1022, 0x1p-1023,
		1e-45, -1e-45, 0x1p-126, 0x1p-127, math.MaxFloat32, math.MaxFloat64, -math.MaxFloat64, math.Sqrt2, math.Sqrt2 / 2, 1 - 0x1p-53, 1 + 0x1p-52,
		nan, inf, -inf, math.Float64frombits(0xfff8000000000001)}
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// mixed draws numbers of many sizes, some of them extremes.
func mixed[T Float](r *rand.Rand, n int) []T {
	e := extremes[T]()
	v := make([]T, n)
	for i := range v {
		switch r.IntN(8) {
		case 0:
			v[i] = e[r.IntN(len(e))]
		case 1:
			v[i] = T(math.Ldexp(r.NormFloat64(), r.IntN(2100)-1060))
		case 2:
			v[i] = T(r.Float64())
		case 3, 4:
			v[i] = T(800 * (r.Float64()*2 - 1))
		default:
			v[i] = T(3 * r.NormFloat64())
		}
	}
	return v
}

const guard = 7

// guarded is memory for n results, offset from any alignment, with guards around them.
func guarded[T Float](n, offset int) (all, out []T) {
	all = slices.Repeat([]T{guard}, n+offset+9)
	return all, all[offset : offset+n : offset+n]
}

func checkRows[T Float](t *testing.T, name string, all, out, want []T) {
	t.Helper()
	for i := range want {
		if !sameBits(out[i], want[i]) {
			t.Fatalf("%s of %d rows, row %d: %v, plain %v", name, len(want), i, out[i], want[i])
		}
	}
	outside := 0
	for _, v := range all {
		if v == guard {
			outside++
		}
	}
	for _, v := range out {
		if v == guard {
			outside--
		}
	}
	if outside != len(all)-len(out) {
		t.Fatalf("%s of %d rows writes outside", name, len(want))
	}
}

// compareMaps runs every kernel of one number per row on a, b, c in both sets.
func compareMaps[T Float](t *testing.T, s *Set[T], offset int, a, b, c []T) {
	t.Helper()
	plain, n := Plain[T](), len(a)
	check := func(name string, args [][]T, run, twin func(out []T, args [][]T)) {
		t.Helper()
		all, out := guarded[T](n, offset)
		want := make([]T, n)
		twin(want, args)
		run(out, args)
		checkRows(t, name, all, out, want)
		for k := range args { // in place
			place := slices.Clone(args)
			place[k] = slices.Clone(args[k])
			run(place[k], place)
			checkRows(t, name+" in place", place[k], place[k], want)
		}
	}
	for name, f := range s.Map1 {
		check(name, [][]T{a}, func(out []T, v [][]T) { f(out, v[0]) }, func(out []T, v [][]T) { plain.Map1[name](out, v[0]) })
	}
	unit := make([]T, n) // log1p's own range
	for i, v := range a {
		unit[i] = T(math.Abs(math.Mod(float64(v), 1)))
	}
	check("log1p", [][]T{unit}, func(out []T, v [][]T) { s.Map1["log1p"](out, v[0]) }, func(out []T, v [][]T) { plain.Map1["log1p"](out, v[0]) })
	for name, f := range s.Map2 {
		check(name, [][]T{a, b}, func(out []T, v [][]T) { f(out, v[0], v[1]) }, func(out []T, v [][]T) { plain.Map2[name](out, v[0], v[1]) })
	}
	for name, f := range s.Map3 {
		check(name, [][]T{a, b, c}, func(out []T, v [][]T) { f(out, v[0], v[1], v[2]) }, func(out []T, v [][]T) { plain.Map3[name](out, v[0], v[1], v[2]) })
	}
	for k, f := range s.Fused {
		in := [][]T{a, b}[:len(f.In)]
		for wanted := range 1 << len(f.Out) {
			got, want, all := make([][]T, len(f.Out)), make([][]T, len(f.Out)), make([][]T, len(f.Out))
			for o := range f.Out {
				if wanted>>o&1 == 1 {
					all[o], got[o] = guarded[T](n, offset)
					want[o] = make([]T, n)
				}
			}
			plain.Fused[k].Run(want, in)
			f.Run(got, in)
			for o, name := range f.Out {
				if got[o] != nil {
					checkRows(t, fmt.Sprintf("%s of %s, wanted %b", name, f.Equations, wanted), all[o], got[o], want[o])
				}
			}
		}
	}
	if got, want := s.SumRows(a), plain.SumRows(a); !sameBits(got, want) {
		t.Fatalf("sum of %d rows: %v, plain %v", n, got, want)
	}
}

func testMaps[T Float](t *testing.T, s *Set[T]) {
	r := rand.New(rand.NewPCG(5, 6))
	lengths := []int{128, 192, 257, 1000}
	for n := range 68 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		offset := r.IntN(5)
		a, b, c := mixed[T](r, n+offset)[offset:], mixed[T](r, n+offset)[offset:], mixed[T](r, n+offset)[offset:]
		compareMaps(t, s, offset, a, b, c)
	}
	e := extremes[T]()
	var a, b []T
	for _, u := range e { // every pair
		for _, v := range e {
			a, b = append(a, u), append(b, v)
		}
	}
	compareMaps(t, s, 0, a, b, slices.Clone(a))
}

func TestMaps(t *testing.T) {
	for _, s := range sets[float64]() {
		t.Run(s.Name+"/float64", func(t *testing.T) { testMaps(t, s) })
	}
	for _, s := range sets[float32]() {
		t.Run(s.Name+"/float32", func(t *testing.T) { testMaps(t, s) })
	}
}

// fuzzCells makes cells of the bytes of data, over and over.
func fuzzCells[S Stored](data []byte, n int) []S {
	v := make([]S, n)
	var b [8]byte
	for i := range v {
		for k := range b {
			b[k] = data[(8*i+k)%len(data)]
		}
		u := binary.LittleEndian.Uint64(b[:])
		switch v := any(v).(type) {
		case []float64:
			v[i] = math.Float64frombits(u)
		case []float32:
			v[i] = math.Float32frombits(uint32(u))
		case []int32:
			v[i] = int32(u)
		case []int16:
			v[i] = int16(u)
		case []int8:
			v[i] = int8(u)
		}
	}
	return v
}

func comparePanels[T Float, S Stored](t *testing.T, k, plain Panels[T, S], x []S, columns, panels int, w, s []T) {
	t.Helper()
	stride := Rows
	for p := range panels {
		all, z := guarded[T](Rows, p%3)
		copy(z, s[p*Rows:])
		want := slices.Clone(z)
		plain.Forward(want, x[p*columns*Rows:], stride, w[:columns])
		k.Forward(z, x[p*columns*Rows:], stride, w[:columns])
		checkRows(t, fmt.Sprintf("forward over %d columns of %T", columns, x), all, z, want)
	}
	all, sum := guarded[float64](columns, columns%3)
	want := slices.Clone(sum)
	plain.Backward(want, x, columns*Rows, Rows, s[:panels*Rows])
	k.Backward(sum, x, columns*Rows, Rows, s[:panels*Rows])
	checkRows(t, fmt.Sprintf("backward over %d columns of %T, %d panels", columns, x, panels), all, sum, want)
	out, twin := make([]T, len(x)), make([]T, len(x))
	k.Widen(out, x)
	plain.Widen(twin, x)
	checkRows(t, fmt.Sprintf("widen %T", x), out, out, twin)
}

// compareAll runs all kernels of a set on numbers made of data.
func compareAll[T Float](t *testing.T, s *Set[T], data []byte, columns, panels, n, offset int) {
	t.Helper()
	plain := Plain[T]()
	size := columns * panels * Rows
	w, d := fuzzCells[T](data[len(data)/3:], columns+1), fuzzCells[T](data[len(data)/2:], panels*Rows+1)
	comparePanels(t, s.I8, plain.I8, fuzzCells[int8](data, size+1)[1:], columns, panels, w[1:], d[1:])
	comparePanels(t, s.I16, plain.I16, fuzzCells[int16](data, size+1)[1:], columns, panels, w[1:], d[1:])
	comparePanels(t, s.I32, plain.I32, fuzzCells[int32](data, size+1)[1:], columns, panels, w[1:], d[1:])
	comparePanels(t, s.F32, plain.F32, fuzzCells[float32](data, size+1)[1:], columns, panels, w[1:], d[1:])
	comparePanels(t, s.F64, plain.F64, fuzzCells[float64](data, size+1)[1:], columns, panels, w[1:], d[1:])
	x := fuzzCells[T](data, size+1)[1:]
	for na := range columns + 1 {
		ld := columns - na + 1
		all, sum := guarded[float64](na*ld, na%3)
		want := slices.Clone(sum)
		plain.Tile(want, ld, x, columns*Rows, na, x[na*Rows:], columns*Rows, columns-na, panels)
		s.Tile(sum, ld, x, columns*Rows, na, x[na*Rows:], columns*Rows, columns-na, panels)
		checkRows(t, fmt.Sprintf("tile of %d by %d columns", na, columns-na), all, sum, want)
	}
	if got, want := s.Gram(x, columns*Rows, d[1:], Rows, panels), plain.Gram(x, columns*Rows, d[1:], Rows, panels); !sameBits(got, want) {
		t.Fatalf("gram: %v, plain %v", got, want)
	}
	compareMaps(t, s, offset, fuzzCells[T](data, n), fuzzCells[T](data[len(data)/2:], n), fuzzCells[T](data[len(data)/4:], n))
}

func FuzzTwins(f *testing.F) {
	r := rand.New(rand.NewPCG(8, 9))
	for i := range 12 {
		data := make([]byte, 64+r.IntN(2000))
		for k := range data {
			data[k] = byte(r.Uint32())
		}
		if i%3 > 0 { // ordinary numbers
			for k := 0; k+8 <= len(data); k += 8 {
				u := math.Float64bits(30 * r.NormFloat64())
				if i%3 == 2 {
					u = uint64(math.Float32bits(30 * float32(r.NormFloat64())))
				}
				binary.LittleEndian.PutUint64(data[k:], u)
			}
		}
		f.Add(data, uint8(i), uint8(i), uint8(17*i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, columns, panels, n, offset uint8) {
		if len(data) < 16 || len(data) > 1<<14 {
			return
		}
		for _, s := range sets[float64]()[1:] {
			compareAll(t, s, data, int(columns)%20+1, int(panels)%5+1, int(n), int(offset)%8)
		}
		for _, s := range sets[float32]()[1:] {
			compareAll(t, s, data, int(columns)%20+1, int(panels)%5+1, int(n), int(offset)%8)
		}
	})
}

// TestProcessor says what was not tested here. A processor without AVX-512 can emulate one that has it: Bochs 2.7, model
// corei7_skylake_x, Linux 6.1 started with clearcpuid=xsaves,xsavec, this package's test binary (CGO_ENABLED=0 go test -c)
// in its initrd. All tests pass there.
func TestProcessor(t *testing.T) {
	have := map[string]bool{}
	for _, s := range sets[float64]() {
		have[s.Name] = true
	}
	t.Logf("sets of this processor: %v, best: %s", slices.Sorted(maps.Keys(have)), Best[float64]().Name)
	for _, name := range []string{"AVX2", "AVX-512"} {
		t.Run(name, func(t *testing.T) {
			if !have[name] {
				t.Skipf("this processor, or this build, has no %s", name)
			}
		})
	}
}
