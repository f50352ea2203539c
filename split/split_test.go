package split_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/descent-ml/descent/split"
)

const seed = 20240817

func TestStratified(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 1))
	for trial := range 300 {
		K := 2 + r.IntN(4)
		class := make([]int32, 20+r.IntN(500))
		for i := range class {
			class[i] = int32(math.Sqrt(float64(r.IntN(K * K))))
		}
		share := 0.05 + 0.9*r.Float64()
		held, err := split.Stratified(class, K, share, uint64(trial))
		if err != nil {
			t.Fatal(err)
		}
		again, _ := split.Stratified(class, K, share, uint64(trial))
		if !slices.Equal(held, again) {
			t.Fatal("not the same rows again")
		}
		all := 0
		for k := range K {
			n, out := 0, 0
			for i := range class {
				if class[i] == int32(k) {
					n++
					if held[i] {
						out++
					}
				}
			}
			all += out
			if d := math.Abs(float64(out) - share*float64(n)); d > 1 && out != n-1 {
				t.Errorf("trial %d: class %d gives %d of %d rows, share %v", trial, k, out, n, share)
			}
			if n > 0 && out == n {
				t.Errorf("trial %d: no row of class %d trains", trial, k)
			}
		}
	}
	if _, err := split.Stratified([]int32{0, 1, 0}, 2, 0.1, 1); err == nil {
		t.Error("an empty hold-out is no error")
	}
	if _, err := split.Random(3, 0.1, 1); err == nil {
		t.Error("an empty hold-out is no error")
	}
}

func TestStratifiedFolds(t *testing.T) {
	class := make([]int32, 103)
	for i := range class {
		class[i] = int32(i % 7 / 5)
	}
	fold := split.StratifiedFolds(class, 2, 5, 3)
	for k := range int32(2) {
		var rows [5]int
		for i, f := range fold {
			if class[i] == k {
				rows[f]++
			}
		}
		if slices.Max(rows[:])-slices.Min(rows[:]) > 1 {
			t.Errorf("class %d: folds of %v rows", k, rows)
		}
	}
}

func TestGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 2))
	for trial := range 300 {
		g := split.Groups{Of: make([]int32, 10+r.IntN(300)), Count: 60}
		for i := range g.Of {
			g.Of[i] = int32(r.IntN(2 + trial%58))
		}
		share := 0.05 + 0.9*r.Float64()
		held, err := g.Holdout(share, uint64(trial))
		if err != nil {
			t.Fatal(err)
		}
		side := map[int32]bool{}
		n := 0
		for i, k := range g.Of {
			if was, ok := side[k]; ok && was != held[i] {
				t.Fatalf("trial %d: group %d is on both sides", trial, k)
			}
			if side[k] = held[i]; held[i] {
				n++
			}
		}
		if n == 0 || n == len(held) {
			t.Fatalf("trial %d: one side is empty", trial)
		}
		k := 2 + r.IntN(5)
		fold, err := g.Folds(k, uint64(trial))
		if len(side) < k {
			if err == nil {
				t.Error("fewer groups than folds are no error")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		of := map[int32]int{}
		rows := make([]int, k)
		for i, group := range g.Of {
			if was, ok := of[group]; ok && was != fold[i] {
				t.Fatalf("trial %d: group %d is in two folds", trial, group)
			}
			of[group] = fold[i]
			rows[fold[i]]++
		}
		if slices.Min(rows) == 0 {
			t.Errorf("trial %d: folds of %v rows", trial, rows)
		}
	}
	if _, err := (split.Groups{Of: []int32{3, 3}, Count: 4}).Holdout(0.5, 1); err == nil {
		t.Error("one group on two sides is no error")
	}
}

func TestTime(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 3))
	for trial := range 300 {
		time := make([]float64, 30+r.IntN(300))
		for i := range time {
			time[i] = float64(r.IntN(20 + trial))
		}
		share := 0.05 + 0.9*r.Float64()
		held, from, err := split.Latest(time, share)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range time {
			if held[i] != (time[i] >= from) {
				t.Fatal("a row on the wrong side of the cut")
			}
			if held[i] {
				n++
			}
		}
		best := math.Inf(1) // by trying every cut
		for _, cut := range time {
			k := 0
			for _, v := range time {
				if v >= cut {
					k++
				}
			}
			if k < len(time) {
				best = math.Min(best, math.Abs(float64(k)-share*float64(len(time))))
			}
		}
		if got := math.Abs(float64(n) - share*float64(len(time))); got > best+1e-9 {
			t.Errorf("trial %d: %d rows are held out of %d, share %v; %v is possible", trial, n, len(time), share, best)
		}
		k := 2 + r.IntN(4)
		fold, err := split.Forward(time, k)
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]int, k+1)
		for i := range time {
			seen[fold[i]+1]++
			for j := range time {
				if fold[i] < fold[j] && time[i] >= time[j] {
					t.Fatalf("trial %d: a row of fold %d is not before one of fold %d", trial, fold[i], fold[j])
				}
			}
		}
		if slices.Min(seen) == 0 {
			t.Errorf("trial %d: blocks of %v rows", trial, seen)
		}
	}
	if _, _, err := split.Latest([]float64{1, 1, 1}, 0.3); err == nil {
		t.Error("one time on two sides is no error")
	}
	if _, err := split.Forward([]float64{1, 1, 2, 2, 2}, 2); err == nil {
		t.Error("two times in three blocks are no error")
	}
}
