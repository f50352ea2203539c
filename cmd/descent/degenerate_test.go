package main

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// degenerate is one rule of testdata/degenerate/expected.json.
type degenerate struct {
	ID, File, Expect, What string
	MLE                    *struct {
		B    float64   `json:"b"`
		W    []float64 `json:"w"`
		Loss float64   `json:"mean_log_loss"`
	} `json:"mle"`
	Ridge *struct {
		Lambda, B, J float64
		W            []float64
	} `json:"ridge"`
	SameFitAs     string    `json:"same_fit_as"`
	W             []float64 `json:"w"`
	B             *float64  `json:"b"`
	Loss          *float64  `json:"mean_log_loss"`
	LossIfDropped *float64  `json:"mean_log_loss_if_dropped"`
	Groups        []float64 `json:"group_probabilities"`
	Sum           *float64  `json:"w1_plus_w4"`
	ByName        []float64 `json:"probabilities_by_name"`
	AbsTol        float64   `json:"abs_tol"`
	RelTol        float64   `json:"rel_tol"`
}

// where a rejected file's message must point, and what it must say.
var rejections = map[string]string{
	"empty": `the file is empty`, "header_only": `no data rows`, "nan_cell": `:6:2: column "x2"`, "inf_cell": `:8:2: column "x2".*infinite`, "empty_cell": `:10:1: column "x1".*missing`,
	"ragged_row": `:5: wrong number of fields`, "text_in_number": `:4:1: column "x1".*not a number`, "label_2": `line 7|:7:`, "label_missing": `:7:4: column "y".*missing`,
	"one_class_ones": `only one class`, "one_class_zeros": `only one class`, "one_row": `only one class`, "no_features": `no column but the target`, "all_missing_column": `column "x4"`,
	"libsvm_unsorted": `:1: .*ascend`, "libsvm_bad_pair": `:2: .*not a number`, "libsvm_duplicate_index": `:1: .*twice`, "predict_missing_column": `column "x3"`,
	"complete_separation": `W-separation: complete`, "quasi_separation": `W-separation: quasi-complete`, "two_rows": `W-separation: complete`, "wide": `W-separation: complete`,
}

// TestDegenerate runs the program on files with every kind of trouble, and compares with the rules that came with them.
func TestDegenerate(t *testing.T) {
	folder := filepath.Join("..", "..", "testdata", "degenerate")
	var all struct{ Behaviour []degenerate }
	raw, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	for _, v := range keys { // the list of rules
		if v[0] == '[' && all.Behaviour == nil {
			if err := json.Unmarshal(v, &all.Behaviour); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(all.Behaviour) != 46 {
		t.Fatalf("%d rules, want 46", len(all.Behaviour))
	}
	model := filepath.Join(t.TempDir(), "baseline.json")
	if code, _, errs := call(t, "", "train", filepath.Join(folder, "baseline.csv"), "--target", "y", "-o", model, "--quiet"); code != 0 {
		t.Fatal(errs)
	}
	number := regexp.MustCompile(`(?i)\b(nan|[-+]?inf(inity)?)\b`)
	for _, r := range all.Behaviour {
		t.Run(r.ID, func(t *testing.T) {
			file := filepath.Join(folder, r.File)
			saved := filepath.Join(t.TempDir(), "m.json")
			args := []string{"train", file, "--target", "y", "-o", saved, "--json"}
			if strings.HasPrefix(r.ID, "predict_") {
				args = []string{"predict", model, file}
			}
			if r.ID == "label_2" {
				args = append(args, "--strict") // else a model of three classes is trained, with a warning
			}
			begin := time.Now()
			code, out, errs := call(t, "", args...)
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("it took %v", d)
			}
			if strings.Contains(errs, "goroutine ") || number.MatchString(regexp.MustCompile(`"(message|notes|warnings)":.*?[\]"],|"error":\{.*?\}`).ReplaceAllString(out, "")) {
				t.Errorf("a panic, or a number that is none: %s %s", out, errs)
			}
			if _, err := os.Stat(saved); code != 0 && err == nil {
				t.Error("a failed training left a model")
			}
			if want, ok := rejections[r.ID]; ok {
				if code != 1 || !regexp.MustCompile(want).MatchString(errs) {
					t.Errorf("exit code %d, want 1 and %q: %s", code, want, errs)
				}
			} else if code != 0 && r.ID != "libsvm_index0" {
				t.Fatalf("exit code %d: %s", code, errs)
			}
			if r.ID == "libsvm_index0" && !strings.Contains(errs, "W-index") {
				t.Errorf("index 0 without a warning: %s", errs)
			}
			if r.Ridge != nil {
				_, out, errs := call(t, "", "train", file, "--target", "y", "--l2", strconv.FormatFloat(r.Ridge.Lambda, 'g', -1, 64), "--scale", "none", "--json", "--quiet")
				got := coefficients(t, out)
				near(t, "J of the penalised fit", got.Cost, r.Ridge.J, 1e-9, 0)
				for j, w := range r.Ridge.W {
					near(t, errs+"w", got.of[j+1], w, 1e-8, 0)
				}
			}
			if r.LossIfDropped != nil {
				_, out, _ := call(t, "", "train", file, "--target", "y", "--exclude", "x4", "--json", "--quiet")
				near(t, "loss without the column", coefficients(t, out).Loss, *r.LossIfDropped, 1e-7, 0)
			}
			switch {
			case r.ByName != nil:
				records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
				if err != nil || len(records) != len(r.ByName)+1 {
					t.Fatalf("%v: %s", err, out)
				}
				for i, want := range r.ByName {
					p, _ := strconv.ParseFloat(records[i+1][0], 64)
					near(t, "probability", p, want, r.AbsTol, 0)
				}
				return
			case code != 0 || strings.HasPrefix(r.ID, "predict_"):
				return
			}
			got := coefficients(t, out)
			tol := math.Max(r.AbsTol, 0)
			if m := r.MLE; m != nil {
				near(t, "b", got.of[0], m.B, tol, r.RelTol)
				for j, w := range m.W {
					near(t, "w", got.of[j+1], w, tol, r.RelTol)
				}
				near(t, "loss", got.Loss, m.Loss, tol, r.RelTol)
			}
			if r.Loss != nil {
				near(t, "loss", got.Loss, *r.Loss, tol, r.RelTol)
			}
			if r.B != nil {
				near(t, "b", got.of[0], *r.B, tol, r.RelTol)
			}
			for j, w := range r.W {
				near(t, "w", got.of[j+1], w, tol, r.RelTol)
			}
			if r.Sum != nil { // the copy is left out
				near(t, "w1 + w4", got.of[1], *r.Sum, r.AbsTol, 0)
				if len(got.Aliased) != 1 {
					t.Errorf("aliased %v", got.Aliased)
				}
			}
			for k, p := range r.Groups { // x1, x2, x3: the third is left out
				z := got.of[0]
				if k < 2 {
					z += got.of[k+1]
				}
				near(t, "probability of a group", 1/(1+math.Exp(-z)), p, r.AbsTol, 0)
			}
		})
	}
}

type trained struct {
	Cost, Loss   float64
	Aliased      []string
	Coefficients []struct{ Estimate float64 }
	of           []float64
}

func coefficients(t *testing.T, out string) (r trained) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range r.Coefficients {
		r.of = append(r.of, c.Estimate)
	}
	return r
}

// near compares with either tolerance.
func near(t *testing.T, what string, got, want, abs, rel float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= abs || d <= rel*math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
