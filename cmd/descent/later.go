package main

import "github.com/spf13/cobra"

// laterCommands are known by name and answer "not yet".
func (a *app) laterCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, c := range []struct{ use, short string }{
		{"serve [MODEL …]", "the page, and models over HTTP"},
		{"learn MODEL -", "learn row by row"},
		{"doctor mpi", "look at an MPI installation"},
		{"export MODEL --format F", "a model for other programs"},
		{"import FILE --format F", "a model of another program"},
	} {
		all = append(all, &cobra.Command{
			Use: c.use, Short: c.short + " (not yet)", Hidden: true, DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, _ []string) error { return notYet(cmd.Name()) },
		})
	}
	return all
}
