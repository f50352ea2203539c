package descent

import "github.com/descent-ml/descent/graph"

// WithoutFused makes Fit run every node of the graph by itself.
func (c *Config) WithoutFused() { c.hooks.noFused = true }

// WithRules lets a test change the rules of the simplifier.
func (c *Config) WithRules(change func([]graph.Rule) []graph.Rule) { c.hooks.rules = change }
