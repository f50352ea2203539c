package optim_test

import (
	"os"
	"strconv"
)

// randomSeed is the seed of the random tests: 1, or what DESCENT_SEED says.
func randomSeed() uint64 {
	if s, err := strconv.ParseUint(os.Getenv("DESCENT_SEED"), 10, 64); err == nil {
		return s
	}
	return 1
}
