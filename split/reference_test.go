package split_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/descent-ml/descent/split"
)

// TestReference compares with scikit-learn (testdata/reference.py).
func TestReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Groups []struct {
			Group []int32
			Folds int
			Fold  []int
		}
		Time []struct {
			Time  []float64
			Folds int
			Fold  []int
			Train []int
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Groups) < 4 || len(want.Time) < 4 {
		t.Fatal("the reference is not whole")
	}
	for i, w := range want.Groups {
		got, err := split.Groups{Of: w.Group, Count: int(slices.Max(w.Group)) + 1}.Folds(w.Folds, uint64(i))
		if err != nil || !slices.Equal(got, w.Fold) {
			t.Errorf("groups %d: %v, folds differ from GroupKFold's", i, err)
		}
	}
	for i, w := range want.Time {
		got, err := split.Forward(w.Time, w.Folds)
		if err != nil || !slices.Equal(got, w.Fold) {
			t.Errorf("time %d: %v, folds differ from TimeSeriesSplit's", i, err)
		}
		for k, n := range w.Train {
			before := 0
			for _, fold := range got {
				if fold < k {
					before++
				}
			}
			if before != n {
				t.Errorf("time %d, fold %d: %d rows train, TimeSeriesSplit %d", i, k, before, n)
			}
		}
	}
}
