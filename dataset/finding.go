package dataset

import (
	"fmt"
	"strings"
)

// findings is what a reading has to say besides its table. line is the line of a row in an NA.
func (t *reading) findings(line func(row int) int) []Finding {
	var out []Finding
	if t.t.Format != JSONL && t.t.header > 0 && len(t.t.Header) > 1 && allNumbers(t.t.Header) {
		out = append(out, Finding{Code: "W-header", Columns: t.t.Header, Message: fmt.Sprintf(
			"%s:%d: every column name is a number (%s); if the first line is data: --no-header", t.t.files[0].name, t.t.header, list(t.t.Header, 5))})
	}
	if t.zero > 0 {
		out = append(out, Finding{Code: "W-index", Columns: []string{FeatureName(0)}, Message: fmt.Sprintf(
			"the index 0 occurs (first on line %d) and is taken as a feature of its own, x0; LIBSVM counts from 1", t.zero)})
	}
	if t.qid > 0 {
		out = append(out, Finding{Message: fmt.Sprintf("qid: (first on line %d) is not used", t.qid)})
	}
	var parts, columns []string
	for _, c := range t.t.Columns {
		var met []string
		for _, na := range c.NA {
			if na.Text != "" {
				met = append(met, fmt.Sprintf("%s %d×, first on line %d", quote(na.Text), na.Rows, line(na.Row)))
			}
		}
		if len(met) > 0 {
			columns = append(columns, c.Name)
			parts = append(parts, fmt.Sprintf("%s (%s)", list([]string{c.Name}, 1), strings.Join(met, "; ")))
		}
	}
	if len(parts) > 0 {
		out = append(out, Finding{Columns: columns, Message: "texts read as missing: " + shorten(parts, 10) + "; --na chooses which"})
	}
	return out
}

// shorten joins the first few parts.
func shorten(parts []string, most int) string {
	if len(parts) <= most {
		return strings.Join(parts, ", ")
	}
	return strings.Join(parts[:most], ", ") + fmt.Sprintf(" and %d more columns", len(parts)-most)
}
