package descent_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
)

var updateAccuracy = flag.Bool("update-accuracy", false, "write docs/accuracy.md; DESCENT_DATA must name the folder of all reference sets")

// digits are the fewest decimal digits in which numbers agree, by quantity: -log10 of the relative error, 16 where there is none.
type digits map[string]float64

func (d digits) add(quantity string, got, want float64) {
	if d == nil || want == 0 {
		return
	}
	v := 16.0
	if got != want {
		v = min(v, -math.Log10(math.Abs(got-want)/math.Abs(want)))
	}
	if old, ok := d[quantity]; !ok || v < old {
		d[quantity] = v
	}
}

// worst is the fewest of some quantities.
func (d digits) worst(quantities ...string) (float64, bool) {
	out, any := math.Inf(1), false
	for _, q := range quantities {
		if v, ok := d[q]; ok {
			out, any = min(out, v), true
		}
	}
	return out, any
}

// accuracyColumns are those of the first table: which checks of expected.json they are, and the digits asked for where R's fit is the reference.
var accuracyColumns = []struct {
	title string
	ids   []string
	least float64
}{
	{"coefficients", []string{"coef", "w", "bias", "intercept", "coef_const_gpa_tuce_psi"}, 9},
	{"standard errors", []string{"se"}, 8},
	{"log likelihood", []string{"loglik", "deviance"}, 11},
	{"cost", []string{"J_optimum", "objective"}, 0},
}

// accuracyNotes are of references that hold fewer digits than asked for.
var accuracyNotes = map[string]string{
	"menarche/grouped":             "R at its default epsilon",
	"ucla_admissions/factor_rank":  staleErrors,
	"ucla_admissions/numeric_rank": staleErrors,
	"titanic/complete_cases":       staleErrors,
	"sms_spam/presence_lambda1":    aboveOptimum,
	"sms_spam/presence_lambda0.1":  aboveOptimum,
	"spector/l1_alpha3":            "statsmodels stopped before the optimum, where its gradient is 1.3e-4",
	"a9a/l2_lambda1":               "the worst weight is near 0",

	"glmnet_binomial/alpha1_lambda0.05":       glmnetStops,
	"glmnet_binomial/alpha1_lambda0.02":       glmnetStops,
	"glmnet_binomial/alpha0.5_lambda0.05":     glmnetStops,
	"glmnet_binomial/alpha0_lambda0.1":        glmnetStops,
	"glmnet_binomial/alpha1_lambda0.05_std":   glmnetStops,
	"glmnet_binomial/alpha0.2_lambda0.03_std": glmnetStops,
}

// R's errors are made of the weights before the last step. Of a fit that starts at the coefficients they agree to 14 digits.
const staleErrors = "R's errors are one step behind; restarted at the optimum it agrees to 14 digits"

const (
	aboveOptimum = "the reference's cost is above ours, which is proved to be within 1e-12 of the optimum"
	glmnetStops  = "of weights; glmnet stops where the cost is already flat"
)

const accuracyHead = `# Accuracy

How many decimal digits of a fit agree with what other programs say of the same data: the worst coefficient, standard error, log likelihood of every reference
set, -log10 of the relative error, at most 16. The references are R's glm with epsilon 1e-14, numpy's Newton method to a gradient of 1e-14, scikit-learn, glmnet, LIBLINEAR (see
testdata/README.md); they hold 12 to 15 digits unless a note says otherwise. Sets that may not be passed on are read from DESCENT_DATA.

Made by ` + "`DESCENT_DATA=… go test . -run TestAccuracy -update-accuracy`" + `; without the flag the test compares.

`

const accuracyR = `Statistics by R 4.2.2 with sandwich, car and brglm2 (testdata/inference/reference.R). The first four sets are of pima and german_credit, "repeated" with row weights, "grouped" as
counts; the others come with R and its packages (testdata/rsets).
`

// accuracyKinds are the columns of the second table, and the digits asked for.
var accuracyKinds = []struct {
	title      string
	quantities []string
	least      float64
}{
	{"coefficients", []string{"estimate"}, 9},
	{"standard errors", []string{"std_error"}, 8},
	{"log likelihood, deviances, AIC, BIC", []string{"fit", "grouped"}, 11},
	{"z, p", []string{"z", "p"}, 8},
	{"Wald and prediction intervals", []string{"low90", "high90", "low95", "high95", "low99", "high99", "predict", "predict_low", "predict_high"}, 8},
	{"likelihood ratio, profile", []string{"lr_chisq", "lr_p", "coef_lr_chisq", "profile_low", "profile_high", "null_chisq"}, 8},
	{"Firth", []string{"firth_estimate", "firth_std_error", "firth_loglik", "firth_penalized_loglik", "firth_p", "firth_low", "firth_high", "firth_null_chisq"}, 8},
	{"robust, clustered", []string{"hc0", "hc1", "cluster", "cluster_hc0", "class_weight_hc0"}, 8},
	{"marginal effects", []string{"margin", "margin_std_error"}, 8},
	{"diagnostics", []string{"vif", "condition_number", "hosmer_lemeshow_chisq", "spiegelhalter_z", "unweighted_squares_z", "cook", "cook_leverage", "cook_change", "leverage_max"}, 8},
}

// TestAccuracy counts the digits of every reference set and compares with docs/accuracy.md, which -update-accuracy writes.
func TestAccuracy(t *testing.T) {
	path := filepath.Join("docs", "accuracy.md")
	documented := map[string][]string{}
	if b, err := os.ReadFile(path); err == nil {
		for line := range strings.Lines(string(b)) {
			if cells := strings.Split(line, "|"); len(cells) > 3 {
				documented[strings.TrimSpace(cells[1])] = cells[2:]
			}
		}
	} else if !*updateAccuracy {
		t.Fatal(err)
	}
	// agrees says whether a row is what the document has, to half a digit and up to 12: other processors, and sums in another order, round otherwise.
	agrees := func(name string, row []string) {
		t.Helper()
		if *updateAccuracy {
			return
		}
		old, ok := documented[name]
		if !ok {
			t.Errorf("docs/accuracy.md has no row %q", name)
			return
		}
		for i, cell := range row {
			got, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				continue
			}
			if want, err := strconv.ParseFloat(strings.TrimSpace(old[i]), 64); err != nil || got < min(want, 12)-0.7 {
				t.Errorf("%s: %s digits, docs/accuracy.md says %s", name, cell, strings.TrimSpace(old[i]))
			}
		}
	}
	cell := func(v float64, ok bool) string {
		if !ok {
			return "–"
		}
		return strconv.FormatFloat(math.Floor(v*10)/10, 'f', 1, 64)
	}
	var text strings.Builder
	text.WriteString(accuracyHead)
	text.WriteString("| set/model |")
	for _, c := range accuracyColumns {
		text.WriteString(" " + c.title + " |")
	}
	text.WriteString(" note |\n|---|" + strings.Repeat("---|", len(accuracyColumns)+1) + "\n")
	for _, ref := range references {
		name := ref.set + "/" + ref.model
		t.Run(name, func(t *testing.T) {
			if ref.slow && !*updateAccuracy {
				t.Skip("slow: with -update-accuracy")
			}
			dir := folder(t, ref.set)
			var e expectedFile
			b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &e); err != nil {
				t.Fatal(err)
			}
			count := digits{}
			ref.compare(t, ref.fit(t, dir, func(*descent.Config) {}), e, count)
			note, excused := accuracyNotes[name]
			var row []string
			for _, c := range accuracyColumns {
				v, ok := count.worst(c.ids...)
				row = append(row, cell(v, ok))
				if _, r := count.worst("se"); r && ok && v < c.least && !excused {
					t.Errorf("%s: %.1f digits, want %v", c.title, v, c.least)
				}
			}
			agrees(name, row)
			fmt.Fprintf(&text, "| %s | %s | %s |\n", name, strings.Join(row, " | "), note)
		})
	}
	b, err := os.ReadFile(filepath.Join("testdata", "inference", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	text.WriteString("\n" + accuracyR + "\n| set | numbers |")
	for _, c := range accuracyKinds {
		text.WriteString(" " + c.title + " |")
	}
	text.WriteString("\n|---|---|" + strings.Repeat("---|", len(accuracyKinds)) + "\n")
	all, numbers := digits{}, map[string]int{}
	var order []string
	for _, c := range slices.Concat(inferenceCases, rCases) {
		count := digits{}
		n := c.compare(t, c.path(t), string(b), count)
		row := []string{strconv.Itoa(n)}
		for _, kind := range accuracyKinds {
			v, ok := count.worst(kind.quantities...)
			row = append(row, cell(v, ok))
			if ok && v < kind.least {
				t.Errorf("%s: %s: %.1f digits, want %v", c.name, kind.title, v, kind.least)
			}
		}
		agrees("R/"+c.name, row)
		fmt.Fprintf(&text, "| R/%s | %s |\n", c.name, strings.Join(row, " | "))
		for q, v := range count {
			if old, ok := all[q]; !ok || v < old {
				all[q] = v
			}
		}
	}
	for line := range strings.Lines(string(b)) {
		if cells := strings.Split(line, "\t"); len(cells) == 4 {
			if numbers[cells[1]]++; numbers[cells[1]] == 1 {
				order = append(order, cells[1])
			}
		}
	}
	text.WriteString("\nThe same by kind, the worst of all sets.\n\n| statistic | numbers | digits |\n|---|---|---|\n")
	for _, q := range order {
		row := []string{strconv.Itoa(numbers[q]), cell(all.worst(q))}
		agrees(q, row)
		fmt.Fprintf(&text, "| %s | %s |\n", q, strings.Join(row, " | "))
	}
	if *updateAccuracy && !t.Failed() {
		if os.Getenv("DESCENT_DATA") == "" {
			t.Fatal("DESCENT_DATA names no folder of the reference sets")
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
