package main

import (
	"strconv"

	"github.com/descent-ml/descent"
)

// pulls looks for the training rows that moved the prediction of the row read last.
func (e *explanation) pulls(rows *descent.RowReader) (*descent.Pulls, error) {
	source, err := e.source(e.train)
	if err != nil {
		return nil, err
	}
	pulls, err := rows.Pulls(e.ctx, source, descent.PullOptions{})
	if err != nil {
		return nil, err
	}
	if pulls.Same != nil && !*pulls.Same {
		if err := e.warn("W-data", pulls.Notes[0]); err != nil {
			return nil, err
		}
		pulls.Notes = pulls.Notes[1:]
	}
	for _, n := range pulls.Notes {
		e.note(n)
	}
	return pulls, nil
}

func printPulls(p *page, m *descent.Model, pulls *descent.Pulls) {
	p.heading("training rows that moved z most (approximate: one Newton step)")
	probability := "probability of its label"
	if classes := m.Classes(); len(classes) == 2 {
		probability = "probability of " + printable(classes[1])
	}
	tab := &table{header: []string{"row", "line", "label", probability, "leverage", "moved z by"}, left: 3}
	for _, r := range pulls.Rows {
		moved := "without it there is no optimum"
		if r.Pull != nil {
			moved = signed(*r.Pull)
		}
		tab.add(strconv.Itoa(r.Row), strconv.Itoa(r.Line), printable(r.Label), digits(r.Probability, 3), digits(r.Leverage, 2), moved)
	}
	p.table(tab)
	p.WriteByte('\n')
	text := "moved z by: z as it is, less z of a training without the row, all else as it was"
	if pulls.Against != "" {
		text += "; z of the label less that of " + printable(pulls.Against)
	}
	p.say(text)
}
