package modelfile

import (


	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"


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
