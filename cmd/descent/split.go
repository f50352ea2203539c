package main

import (
	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

// addSplit adds the flags about which rows belong together, or come later.
func addSplit(cmd *cobra.Command, s *descent.Split) {
	f := cmd.Flags()
	f.StringVar(&s.Group, "group", "", "`column` whose equal values stay on one side of --holdout and in one fold of --cv; no input unless --include names it")
	f.StringVar(&s.Time, "time", "", "`column` of numbers or ISO dates: --holdout leaves out the latest rows, folds of --cv come after what trains for them; no input unless --include names it")
	must(cmd.RegisterFlagCompletionFunc("group", completeColumns(0)))
	must(cmd.RegisterFlagCompletionFunc("time", completeColumns(0)))
}

// splitUsage refuses what cannot be meant.
func splitUsage(cmd *cobra.Command, c *descent.Config) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("group") && c.Split.Group == "":
		return usagef("--group is empty")
	case changed("time") && c.Split.Time == "":
		return usagef("--time is empty")
	}
	return nil
}
