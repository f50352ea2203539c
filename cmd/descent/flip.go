package main

import (
	"fmt"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

// addFlip adds the flags of --flip.
func (e *explanation) addFlip(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&e.flip, "flip", false, "the smallest changes of the row that give it another label")
	f.Var(list{&e.flips.Freeze}, "freeze", "`columns` that --flip leaves as they are")
	f.Var(list{&e.flips.Only}, "only", "`columns` that --flip may change; all others stay as they are")
	f.StringVar(&e.flips.To, "to", "", "`level` that the label is to become (the other of two, the second most probable of more)")
}

// printFlip writes the changes that flip a row's label.
func printFlip(p *page, m *descent.Model, f *descent.Flip) {
	what := printable(f.To)
	if f.Threshold != nil {
		what += fmt.Sprintf(" (threshold %s)", short(*f.Threshold, 6))
	}
	p.heading("what makes the label " + what)
	if len(f.Single) == 0 && f.Joint == nil {
		p.say("nothing: no change of a column alone, and " + strings.TrimPrefix(f.JointNote, "no joint change: "))
		return
	}
	probability := "probability"
	if classes := m.Classes(); len(classes) == 2 {
		probability = "probability of " + printable(classes[1])
	}
	outside, searched := false, false
	deviations := func(c *descent.Changed) string {
		if c.Deviations == nil {
			return ""
		}
		return signed(*c.Deviations)
	}
	to := func(c *descent.Changed) string {
		text := valueText(c.To)
		if c.Outside {
			outside = true
			text += " *"
		}
		if c.StandsFor != nil {
			text += fmt.Sprintf(" (one of %s)", shortList(printables(c.StandsFor), 3))
		}
		if c.Also != nil {
			text += fmt.Sprintf(" (also %s)", shortList(printables(c.Also), 3))
		}
		return text
	}
	if len(f.Single) > 0 {
		p.say("one of these alone")
		tab := &table{header: []string{"", "from", "to", "in sd", probability}, left: 3}
		for i := range f.Single {
			s := &f.Single[i]
			if i == mostCoefficients {
				break
			}
			searched = searched || s.Searched
			tab.add(printable(s.Column), valueText(s.From), to(&s.Changed), deviations(&s.Changed), digits(s.Probability, 4))
		}
		p.table(tab)
		if more := len(f.Single) + f.More - mostCoefficients; more > 0 {
			p.printf("and %d more columns\n", more)
		}
	} else {
		p.say("no column alone does it")
	}
	if f.Joint == nil {
		p.say(f.JointNote)
	} else {
		p.say(fmt.Sprintf("\nor these together, the shortest way in units of standard deviations: length %s, then %s %s", digits(f.Joint.Length, 3), probability, digits(f.Joint.Probability, 4)))
		tab := &table{header: []string{"", "from", "to", "in sd"}, left: 3}
		for i := range f.Joint.Changes {
			c := &f.Joint.Changes[i]
			if i == mostCoefficients {
				break
			}
			tab.add(printable(c.Column), valueText(c.From), to(c), deviations(c))
		}
		p.table(tab)
		if more := len(f.Joint.Changes) - mostCoefficients; more > 0 {
			p.printf("and %d more columns (--json has all)\n", more)
		}
		if f.JointNote != "" {
			p.say(f.JointNote)
		}
	}
	if outside {
		p.say("* outside of what the training rows had: nothing is known there")
	}
	if searched {
		p.say("z is not linear in some columns: of these it is the nearest number found in a grid over the training range")
	}
}

func printables(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = printable(n)
	}
	return out
}

// signed is a number with its sign and three digits.
func signed(v float64) string {
	if v > 0 {
		return "+" + digits(v, 3)
	}
	return digits(v, 3)
}
