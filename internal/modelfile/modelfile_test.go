package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A payload with every kind of field the root package needs.
type payload struct {
	Equations  []string           `json:"equations"`
	Classes    []string           `json:"classes"`
	Terms      []term             `json:"terms"`
	Bias       float64            `json:"bias"`
	Covariance [][]float64        `json:"covariance,omitempty"`
	Seed       uint64             `json:"seed"`
	Rows       int                `json:"rows"`
	Scaled     bool               `json:"scaled"`
	Threshold  *float64           `json:"threshold"`
	Settings   map[string]float64 `json:"settings"`
	Vectors    []vector           `json:"vectors"`
	Note       string             `json:"note,omitempty"`
}

type term struct {
	Column string   `json:"column"`
	Kind   string   `json:"kind"`
	Weight float64  `json:"weight"`
	Range  [2]int   `json:"range"`
	Levels []string `json:"levels,omitempty"`
}

type vector struct {
	Row         map[string]string `json:"row"`
	Z           float64           `json:"z"`
	Probability float64           `json:"probability"`
}

func sample() *payload {
	half := 0.5
	return &payload{
		Equations: []string{"z = dot(w, x) + b", "a = sigmoid(z)", "L = -(y*log(a) + (1-y)*log(1-a))"},
		Classes:   []string{"fail", "pass"},
		Terms: []term{
			{"hours", "numeric", 1.0 / 3, [2]int{0, 24}, nil},
			{"Größe <m>", "numeric", -1e-300, [2]int{-1, 1}, nil},
			{"school", "levels", 5e-324, [2]int{}, []string{"elm", "oak", "ash \"tall\"", "fir\u2028", "yew\ttree"}},
		},
		Bias:       math.Copysign(0, -1),
		Covariance: [][]float64{{1.25e-7, 0.1, 0.2}, {0.1, math.MaxFloat64, 1. / 7}, {0.2, 1. / 7, 3}},
		Seed:       math.MaxUint64, Rows: 120, Scaled: true, Threshold: &half,
		Settings: map[string]float64{"l2": 0, "tol": 1e-10, "L2": 3},
		Vectors: []vector{
			{map[string]string{"hours": "3", "Größe <m>": "1.5", "school": "elm"}, 1.25, 0.7772998611746911},
			{map[string]string{"hours": "0", "Größe <m>": "-1.5", "school": "oak, or a name as long as it takes to fill one line of the file"}, -1, 0.2689414213699951},
		},
	}
}

func encode(t *testing.T, p *payload) []byte {
	t.Helper()
	b, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	p := sample()
	b := encode(t, p)
	got, err := Decode[payload]("m.json", b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, p) {
		t.Errorf("got  %+v\nwant %+v", got, p)
	}
	if !math.Signbit(got.Bias) {
		t.Error("-0 became 0")
	}
	if again := encode(t, got); string(again) != string(b) {
		t.Errorf("written again it differs:\n%s\n%s", b, again)
	}
	for i, line := range strings.Split(string(b), "\n") {
		if len(line) > width+2 && !strings.Contains(line, "or a name as long") {
			t.Errorf("line %d has %d columns: %s", i+1, len(line), line)
		}
	}
	golden := filepath.Join("testdata", "sample.json")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(b) {
		t.Errorf("%s is not what Encode writes now:\n%s", golden, b)
	}
}

// TestEveryBit flips every single bit of a small model: none may load.
func TestEveryBit(t *testing.T) {
	b := encode(t, sample())
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if _, err := Decode[payload]("m.json", b); err == nil {
				t.Errorf("bit %d of byte %d (%q): loads", bit, i, b[max(i-10, 0):i+1])
			}
			b[i] ^= 1 << bit
		}
	}
	if _, err := Decode[payload]("m.json", b); err != nil {
		t.Errorf("the file itself: %v", err)
	}
}

// TestEveryCut: no beginning of a model loads.
func TestEveryCut(t *testing.T) {
	b := encode(t, sample())
	whole := len(bytes.TrimRight(b, "\n"))
	for i := range whole {
		if _, err := Decode[payload]("m.json", b[:i]); err == nil {
			t.Errorf("the first %d bytes load", i)
		}
	}
}

// TestBlanks: what git and editors do to line ends and indentation changes nothing.
func TestBlanks(t *testing.T) {
	b := string(encode(t, sample()))
	for name, changed := range map[string]string{
		"CRLF":             strings.ReplaceAll(b, "\n", "\r\n"),
		"tabs":             strings.ReplaceAll(b, "  ", "\t"),
		"no last line end": strings.TrimRight(b, "\n"),
		"more at the end":  b + "\n\n ",
		"before":           " \n" + b,
	} {
		if changed == b {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := Decode[payload]("m.json", []byte(changed)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// seal puts the envelope around members, with the right checksum.
func seal(members string) string {
	canonical := `{"format":"descent-model","version":1,` + members
	sum := sha256.Sum256([]byte(canonical + "}"))
	return canonical + `,"checksum":"sha256:` + hex.EncodeToString(sum[:]) + `"}`
}

type small struct {
	Weights []float64          `json:"weights"`
	Name    string             `json:"name"`
	Count   int                `json:"count"`
	Pair    [2]float64         `json:"pair"`
	On      bool               `json:"on"`
	Map     map[string]float64 `json:"map,omitempty"`
	Any     any                `json:"any,omitempty"`
	Terms   []struct {
		W float64 `json:"w"`
		U *uint8  `json:"u,omitempty"`
	} `json:"terms,omitempty"`
}

const good = `"weights":[1,2.5],"name":"m","count":3,"pair":[1,2],"on":true`

func TestRefused(t *testing.T) {
	if _, err := Decode[small]("m.json", []byte(seal(good))); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	deep := strings.Repeat("[", 20000)
	for _, c := range []struct{ name, file, message string }{
		{"empty", "", "m.json: the file is empty"},
		{"blank", " \n\t\r\n", "m.json: the file is empty"},
		{"a data file", "x1,x2,y\n1,2,0\n", "m.json:1:1: not a descent model: expected {, found 'x'"},
		{"a list", "[1]", "m.json:1:1: not a descent model"},
		{"null", "null", "m.json:1:1: not a descent model"},
		{"a byte order mark", "\ufeff" + seal(good), "m.json:1:1: not a descent model"},
		{"binary", "\x80\x04\x95", "m.json:1:1: not a descent model: expected {, found byte 0x80"},
		{"another JSON file", `{"a":1}`, `m.json: not a descent model: it has no "format"`},
		{"another format", `{"format":"onnx"}`, `m.json:1:11: not a descent model: its format is "onnx", expected "descent-model"`},
		{"format is a number", `{"format":1}`, `m.json:1:11: not a descent model: its format is 1`},
		{"no version", `{"format":"descent-model"}`, `m.json: no "version"`},
		{"newer", `{"format":"descent-model","version":2,"new":{}}`, "m.json:1:37: the model has format version 2, this program reads versions up to 1"},
		{"much newer", `{"format":"descent-model","version":99999999999999999999}`, "version 99999999999999999999, this program reads versions up to 1"},
		{"version 0", `{"format":"descent-model","version":0}`, "m.json:1:37: version is 0, expected a whole number"},
		{"version 1.0", `{"format":"descent-model","version":1.0}`, "version is 1.0, expected a whole number"},
		{"version in quotes", `{"format":"descent-model","version":"1"}`, `version is "1", expected a whole number`},
		{"no checksum", `{"format":"descent-model","version":1,` + good + `}`, `m.json: no "checksum" at the end`},
		{"wrong checksum", strings.Replace(seal(good), "2.5", "2.25", 1), "the checksum does not fit"},
		{"checksum not last", strings.TrimSuffix(seal(good), "}") + `,"more":1}`, "something follows the checksum"},
		{"checksum of another kind", `{"format":"descent-model","version":1,"checksum":null}`, "the checksum does not fit: the file says null"},

		{"cut", "{\n  \"format\": \"descent-model\",\n  \"ver", "m.json:3:3: this string has no end"},
		{"cut after a value", "{\n  \"format\": 1", "m.json:2:14: expected , or } in an object, found the end of the file"},
		{"cut after a colon", `{"format":`, "m.json:1:11: expected a value, found the end of the file"},
		{"trailing", seal(good) + "x", "'x' after the end of the model"},
		{"two objects", seal(good) + seal(good), "'{' after the end of the model"},
		{"trailing comma", `{"format":"descent-model",}`, "m.json:1:27: expected a key in quotes, found '}'"},
		{"trailing comma in a list", `{"a":[1,]}`, "m.json:1:9: expected a value, found ']'"},
		{"no colon", `{"a" 1}`, "m.json:1:6: expected : after a key, found '1'"},
		{"no comma in a list", `{"a":[1 2]}`, "m.json:1:9: expected , or ] in a list, found '2'"},
		{"comment", "{ // x\n}", "m.json:1:3: expected a key in quotes, found '/'"},
		{"NaN", `{"a":NaN}`, "m.json:1:6: expected a value, found 'N'"},
		{"Infinity", `{"a":-Infinity}`, "m.json:1:6: this is not a number of JSON"},
		{"hexadecimal", `{"a":0x10}`, "m.json:1:7: expected , or }"},
		{"leading zero", `{"a":01}`, "m.json:1:6: this is not a number"},
		{"plus", `{"a":+1}`, "m.json:1:6: expected a value"},
		{"no digits after the point", `{"a":1.}`, "this is not a number"},
		{"no exponent", `{"a":1e}`, "this is not a number"},
		{"single quotes", `{'a':1}`, "m.json:1:2: expected a key in quotes"},
		{"control character", "{\"a\":\"x\ty\"}", "m.json:1:8: control character 0x09 inside a string"},
		{"bad escape", `{"a":"\x"}`, "m.json:1:7: unknown escape"},
		{"short escape", `{"a":"\u12"}`, `m.json:1:7: \u without four hexadecimal digits`},
		{"escape at the end", `{"a":"\`, "m.json:1:6: this string has no end"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "m.json:1:7: byte 0xff is not UTF-8"},
		{"format twice", `{"format":"descent-model","format":"descent-model"}`, `m.json:1:27: key "format" occurs twice`},
		{"version twice", `{"format":"descent-model","version":1,"version":1}`, `m.json:1:39: key "version" occurs twice`},
		{"repeated key", seal(good + `,"name":"n"`), `key "name" occurs twice`},
		{"repeated key, one escaped", seal(good + `,"n\u0061me":"n"`), `key "name" occurs twice`},
		{"envelope's key, escaped", seal(good + `,"vers\u0069on":1`), `key "version" occurs twice`},
		{"repeated key inside", seal(good + `,"terms":[{"w":1,"w":2}]`), `key "terms[0].w" occurs twice`},
		{"repeated key in a map", seal(good + `,"map":{"a":1,"a":2}`), `key "map.a" occurs twice`},
		{"repeated key in a foreign value", seal(good + `,"any":{"a":[{"b":1,"b":2}]}`), `key "b" occurs twice`},
		{"deep lists", `{"a":` + deep, "nested deeper than 32"},
		{"deep objects", strings.Repeat(`{"a":`, 20000), "nested deeper than 32"},

		{"unknown key", seal(good + `,"colour":1`), `unknown key "colour"`},
		{"another case", seal(strings.Replace(good, `"weights"`, `"Weights"`, 1)), `unknown key "Weights"`},
		{"key missing", seal(strings.Replace(good, `"count":3,`, "", 1)), `m.json: no "count"`},
		{"key missing inside", seal(good + `,"terms":[{"w":1},{"u":2}]`), `no "terms[1].w"`},
		{"unknown key inside", seal(good + `,"terms":[{"w":1,"v":2}]`), `unknown key "terms[0].v"`},
		{"null for a number", seal(strings.Replace(good, `"count":3`, `"count":null`, 1)), "count: expected a whole number, found null"},
		{"null in a list", seal(strings.Replace(good, `[1,2.5]`, `[1,null]`, 1)), "weights[1]: expected a number, found null"},
		{"text for a number", seal(strings.Replace(good, `[1,2.5]`, `["1"]`, 1)), `weights[0]: expected a number, found "1"`},
		{"too large", seal(strings.Replace(good, `2.5`, `1e999`, 1)), "weights[1]: expected a number that fits float64, found 1e999"},
		{"not whole", seal(strings.Replace(good, `"count":3`, `"count":3.5`, 1)), "count: expected a whole number, found 3.5"},
		{"whole, too large", seal(strings.Replace(good, `"count":3`, `"count":9223372036854775808`, 1)), "count: expected a whole number"},
		{"negative for unsigned", seal(good + `,"terms":[{"w":1,"u":-1}]`), "terms[0].u: expected a whole number from 0, found -1"},
		{"unsigned, too large", seal(good + `,"terms":[{"w":1,"u":256}]`), "terms[0].u: expected a whole number from 0, found 256"},
		{"number for text", seal(strings.Replace(good, `"m"`, `1`, 1)), "name: expected a string, found 1"},
		{"number for a boolean", seal(strings.Replace(good, `true`, `1`, 1)), "on: expected true or false, found 1"},
		{"array too short", seal(strings.Replace(good, `[1,2]`, `[1]`, 1)), "pair: 1 values, expected 2"},
		{"array too long", seal(strings.Replace(good, `[1,2]`, `[1,2,3]`, 1)), "pair: 3 values, expected 2"},
		{"object for a list", seal(strings.Replace(good, `[1,2.5]`, `{}`, 1)), "weights: expected a list, found {}"},
		{"list for an object", seal(good + `,"map":[]`), "map: expected an object, found []"},
		{"text in a map", seal(good + `,"map":{"a":"b"}`), `map.a: expected a number, found "b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Decode[small]("m.json", []byte(c.file))
			if err == nil {
				t.Fatalf("loads as %+v", p)
			}
			if !strings.Contains(err.Error(), c.message) {
				t.Errorf("error %q, expected %q", err, c.message)
			}
			var e *Error
			if !errors.As(err, &e) || e.File != "m.json" {
				t.Errorf("%T is no *Error of the file", err)
			}
			if len(err.Error()) > 500 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestPlaceInTypedErrors(t *testing.T) {
	b := encode(t, sample())
	type other struct {
		payload
		Terms []struct {
			Column string  `json:"column"`
			Kind   string  `json:"kind"`
			Weight float64 `json:"weight"`
			Range  [2]int  `json:"range"`
		} `json:"terms"`
	}
	_, err := Decode[other]("m.json", b)
	if want := `m.json:14:7: unknown key "terms[2].levels"`; err == nil || err.Error() != want {
		t.Errorf("error %v, expected %s", err, want)
	}
}

func TestNotEncoded(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*payload)
		message string
	}{
		{"NaN", func(p *payload) { p.Terms[1].Weight = math.NaN() }, "terms[1].weight is NaN"},
		{"Inf", func(p *payload) { p.Covariance[2][0] = math.Inf(-1) }, "covariance[2][0] is -Inf"},
		{"NaN behind a pointer", func(p *payload) { *p.Threshold = math.NaN() }, "threshold is NaN"},
		{"NaN in a map", func(p *payload) { p.Settings["l2"] = math.NaN() }, "settings.l2 is NaN"},
		{"not UTF-8", func(p *payload) { p.Classes[1] = "p\xe4ss" }, `classes[1] is "p\xe4ss", which is not UTF-8`},
		{"not UTF-8 in a key", func(p *payload) { p.Settings["\xff"] = 1 }, "not UTF-8"},
	} {
		p := sample()
		c.change(p)
		if _, err := Encode(p); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.message)
		}
		path := filepath.Join(t.TempDir(), "m.json")
		if err := Save(path, p); err == nil {
			t.Errorf("%s: saved", c.name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was left", c.name)
		}
	}
	type clash struct {
		Version int `json:"version"`
	}
	if _, err := Encode(&clash{3}); err == nil || !strings.Contains(err.Error(), "occurs twice") {
		t.Errorf("a payload with the envelope's key: %v", err)
	}
	number := 3
	if _, err := Encode(&number); err == nil {
		t.Error("a number is no payload")
	}
}

func TestSaveLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.json")
	for range 2 { // new, and over itself
		if err := Save(path, sample()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load[payload](path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sample()) {
		t.Errorf("loaded %+v", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	for path, message := range map[string]string{
		filepath.Join(dir, "none.json"): "none.json: no such file",
		dir:                             "is a directory, not a model file",
	} {
		if _, err := Load[payload](path); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("error %v, expected %q", err, message)
		}
	}
	large := filepath.Join(dir, "large.json")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, MaxBytes+1); err != nil { // a sparse file, not 256 MiB
		t.Fatal(err)
	}
	if _, err := Load[payload](large); err == nil || !strings.Contains(err.Error(), "larger than 256 MiB") {
		t.Errorf("a large file: %v", err)
	}
}

// TestReleased: files written by released versions load for ever. testdata/sample.json is one of format version 1; never
// write it again, add another beside it.
func TestReleased(t *testing.T) {
	got, err := Load[payload](filepath.Join("testdata", "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sample()) {
		t.Errorf("loaded %+v", got)
	}
}

func TestNumbersRoundTrip(t *testing.T) {
	type numbers struct {
		Values []float64 `json:"values"`
	}
	rapid.Check(t, func(t *rapid.T) {
		want := numbers{rapid.SliceOf(rapid.Float64()).Draw(t, "values")}
		for i, v := range want.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				want.Values[i] = 0
			}
		}
		b, err := Encode(&want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode[numbers]("m.json", b)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want.Values {
			if math.Float64bits(got.Values[i]) != math.Float64bits(v) {
				t.Fatalf("%v became %v", v, got.Values[i])
			}
		}
	})
}

func TestTextRoundTrip(t *testing.T) {
	type texts struct {
		List []string          `json:"list"`
		Map  map[string]string `json:"map"`
		Sub  []map[string][]string
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.String(), 0, 20)
		table := rapid.MapOfN(rapid.String(), rapid.String(), 0, 20)
		want := texts{list.Draw(t, "list"), table.Draw(t, "map"), nil}
		for range rapid.IntRange(0, 3).Draw(t, "sub") {
			want.Sub = append(want.Sub, map[string][]string{rapid.String().Draw(t, "key"): list.Draw(t, "values")})
		}
		b, err := Encode(&want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode[texts]("m.json", b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("%q became %q", want, *got)
		}
	})
}

// FuzzDecode: nothing panics, and what loads can be written and loads again as the same.
func FuzzDecode(f *testing.F) {
	b, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(seal(good)))
	f.Add([]byte(`{"format":"descent-model","version":1,"a":[{"b":-1.5e-3,"c":"\u00e9\n"}],"checksum":"sha256:00"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode[payload]("m.json", b)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "m.json") {
				t.Errorf("error without the file: %v", err)
			}
			// Behind the checksum: the same bytes as members of a sealed file.
			if q, err := Decode[small]("m.json", []byte(seal(string(b)))); err == nil {
				if _, err := Encode(q); err != nil {
					t.Errorf("loaded, cannot be written: %v", err)
				}
			}
			return
		}
		if _, err := Encode(p); err != nil {
			t.Errorf("loaded, cannot be written: %v", err)
		}
	})
}

func Example() {
	type model struct {
		Classes []string  `json:"classes"`
		Weights []float64 `json:"weights"`
		Bias    float64   `json:"bias"`
	}
	text, err := Encode(&model{[]string{"fail", "pass"}, []float64{0.1, -2.5e-7}, 1.0 / 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(text))
	_, err = Decode[model]("model.json", bytes.Replace(text, []byte("0.1"), []byte("0.2"), 1))
	fmt.Println(err.Error()[:45])
	// Output:
	// {
	//   "format": "descent-model",
	//   "version": 1,
	//   "classes": ["fail", "pass"],
	//   "weights": [0.1, -2.5e-7],
	//   "bias": 0.3333333333333333,
	//   "checksum": "sha256:c215b5969e401c0d41da11b527a9abd66534fc80f811148b4595b4e07a88a389"
	// }
	// model.json:7:15: the checksum does not fit: t
}
