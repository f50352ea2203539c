//go:build race

package descent

func init() { raceEnabled = true }
