package encode

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/descent-ml/descent/dataset"
)

// Date says what is taken of a column of dates.
type Date struct {
	Column string   `json:"column"`
	Parts  []string `json:"parts"`           // year, month, dow, days
	Order  string   `json:"order,omitempty"` // dmy or mdy where the column's dates do not tell; "" is found
}

// The parts of a date.
const (
	PartYear  = "year"  // a number
	PartMonth = "month" // levels jan … dec
	PartDow   = "dow"   // the day of the week: levels mon … sun
	PartDays  = "days"  // days since 1970-01-01, the time of day as a share of one
)

var dateParts = []string{PartYear, PartMonth, PartDow, PartDays}

var (
	monthLevels = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dowLevels   = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

// ParseDate reads COLUMN:PART,PART…; a part dmy or mdy says the order of day and month.
func ParseDate(text string) (Date, error) {
	at := strings.LastIndexByte(text, ':')
	if at <= 0 || at == len(text)-1 {
		return Date{}, fmt.Errorf("%q: expected COLUMN:PARTS, as in when:year,month (the parts are %s)", text, list(dateParts, 4))
	}
	d := Date{Column: text[:at]}
	for part := range strings.SplitSeq(text[at+1:], ",") {
		switch part = strings.Trim(part, " \t"); {
		case part == orderDMY || part == orderMDY:
			if d.Order != "" {
				return Date{}, fmt.Errorf("%q: the order of day and month is there twice", text)
			}
			d.Order = part
		case !slices.Contains(dateParts, part):
			return Date{}, fmt.Errorf("%q: part %q is not one of %s%s", text, part, list(dateParts, 4), didYouMean(part, dateParts))
		case slices.Contains(d.Parts, part):
			return Date{}, fmt.Errorf("%q: part %s is there twice", text, part)
		default:
			d.Parts = append(d.Parts, part)
		}
	}
	if d.Parts == nil {
		return Date{}, fmt.Errorf("%q: it names no part; the parts are %s", text, list(dateParts, 4))
	}
	return d, nil
}

// The forms of a date, as the model file writes them. Each may be followed by a time of day.
const (
	orderYMD   = "ymd"   // 2006-01-02, 2006/01/02, 20060102
	orderDMY   = "dmy"   // 02/01/2006, 02-01-2006, 02.01.2006
	orderMDY   = "mdy"   // 01/02/2006, 01-02-2006
	orderNamed = "named" // 2 Jan 2006, 02-Jan-2006, Jan 2, 2006, Monday, January 2, 2006
)

// orderWords say what the forms look like.
var orderWords = map[string]string{orderYMD: "year-month-day", orderDMY: "day/month/year", orderMDY: "month/day/year", orderNamed: "day, name of the month, year"}

var dateOrders = []string{orderYMD, orderDMY, orderMDY, orderNamed}

// parseDate reads a date of the given form, and a time behind a blank or a T, as days since 1970-01-01, the time as a share of one. A zone is read and left
// aside: day and time are those of the clock on the wall.
func parseDate(order, text string) (days float64, ok bool) {
	p := dateParser{text: strings.Trim(text, " \t")}
	var year, month, day int
	switch order {
	case orderYMD:
		if n := p.digits(); len(n) == 8 {
			year, month, day, ok = toInt(n[:4]), toInt(n[4:6]), toInt(n[6:]), true
			break
		} else if len(n) == 4 {
			year = toInt(n)
			if c := p.one("-/."); c != 0 {
				month, day, ok = p.twoMore(c)
			}
		}
	case orderDMY, orderMDY:
		a := p.digits()
		c := p.one("-/.")
		if len(a) < 1 || len(a) > 2 || c == 0 || c == '.' && order == orderMDY { // dots are between day, month and year
			return 0, false
		}
		b := p.digits()
		if len(b) < 1 || len(b) > 2 || p.one(string(c)) == 0 {
			return 0, false
		}
		y := p.digits()
		day, month, year, ok = toInt(a), toInt(b), toInt(y), len(y) == 4
		if order == orderMDY {
			day, month = month, day
		}
	case orderNamed:
		year, month, day, ok = p.named()
	}
	if !ok || year < 1 || month < 1 || month > 12 || day < 1 {
		return 0, false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if date.Day() != day {
		return 0, false
	}
	seconds, ok := p.clock()
	if !ok || p.text != "" {
		return 0, false
	}
	return float64(date.Unix()/86400) + seconds/86400, true
}

type dateParser struct{ text string }

// digits takes up to eight digits.
func (p *dateParser) digits() string {
	n := 0
	for n < len(p.text) && n < 9 && p.text[n] >= '0' && p.text[n] <= '9' {
		n++
	}
	out := p.text[:n]
	p.text = p.text[n:]
	return out
}

func toInt(digits string) int {
	n := 0
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}

// one takes one of the given characters; 0 is none.
func (p *dateParser) one(of string) byte {
	if p.text == "" || strings.IndexByte(of, p.text[0]) < 0 {
		return 0
	}
	c := p.text[0]
	p.text = p.text[1:]
	return c
}

// twoMore takes two numbers of one or two digits with c between them.
func (p *dateParser) twoMore(c byte) (a, b int, ok bool) {
	first := p.digits()
	if p.one(string(c)) == 0 {
		return 0, 0, false
	}
	second := p.digits()
	ok = len(first) >= 1 && len(first) <= 2 && len(second) >= 1 && len(second) <= 2
	return toInt(first), toInt(second), ok
}

func (p *dateParser) blanks(of string) {
	for p.one(of) != 0 {
	}
}

// word takes letters, in lower case.
func (p *dateParser) word() string {
	n := 0
	for n < len(p.text) && (p.text[n]|0x20) >= 'a' && (p.text[n]|0x20) <= 'z' {
		n++
	}
	out := strings.ToLower(p.text[:n])
	p.text = p.text[n:]
	return out
}

var (
	monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	dayNames   = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// nameAt is which of the names a word is, in full or its first three letters (sept is one, too); -1 is none.
func nameAt(names []string, word string) int {
	return slices.IndexFunc(names, func(n string) bool { return word == n || word == n[:3] || word == "sept" && n == "september" })
}

// named reads day, month by its English name, and year; a day of the week before them is passed over.
func (p *dateParser) named() (year, month, day int, ok bool) {
	day, month = -1, -1
	if w := p.word(); w != "" {
		if nameAt(dayNames, w) >= 0 {
			p.blanks(" ,.")
			w = p.word()
		}
		if w != "" {
			if month = nameAt(monthNames, w) + 1; month == 0 {
				return 0, 0, 0, false
			}
			p.blanks(" .-")
		}
	}
	d := p.digits()
	if len(d) < 1 || len(d) > 2 {
		return 0, 0, 0, false
	}
	day = toInt(d)
	p.blanks(" ,.-/")
	if month < 0 {
		if month = nameAt(monthNames, p.word()) + 1; month == 0 {
			return 0, 0, 0, false
		}
		p.blanks(" ,.-/")
	}
	y := p.digits()
	return toInt(y), month, day, len(y) == 4
}

// clock reads the time of day and a zone, if they are there.
func (p *dateParser) clock() (seconds float64, ok bool) {
	if p.text == "" {
		return 0, true
	}
	if p.one("Tt") == 0 {
		if p.one(" ") == 0 {
			return 0, false
		}
		p.blanks(" ")
	}
	h := p.digits()
	if len(h) < 1 || len(h) > 2 || p.one(":") == 0 {
		return 0, false
	}
	m := p.digits()
	hour, minute, second := toInt(h), toInt(m), 0
	if len(m) != 2 || minute > 59 {
		return 0, false
	}
	fraction := 0.0
	if p.one(":") != 0 {
		s := p.digits()
		if second = toInt(s); len(s) != 2 || second > 60 { // a leap second
			return 0, false
		}
		if p.one(".,") != 0 {
			unit := 1.0
			n := 0
			for ; p.text != "" && p.text[0] >= '0' && p.text[0] <= '9'; p.text = p.text[1:] {
				unit /= 10
				fraction += float64(unit * float64(p.text[0]-'0'))
				n++
			}
			if n == 0 {
				return 0, false
			}
		}
	}
	p.blanks(" ")
	switch rest := strings.ToLower(p.text); {
	case strings.HasPrefix(rest, "am"), strings.HasPrefix(rest, "pm"):
		if hour < 1 || hour > 12 {
			return 0, false
		}
		if hour %= 12; rest[0] == 'p' {
			hour += 12
		}
		p.text = p.text[2:]
		p.blanks(" ")
	}
	if hour > 23 {
		return 0, false
	}
	switch {
	case strings.EqualFold(p.text, "z"), strings.EqualFold(p.text, "utc"), strings.EqualFold(p.text, "gmt"):
		p.text = ""
	case p.one("+-") != 0:
		zone := p.digits()
		if len(zone) == 2 && p.one(":") != 0 {
			zone += p.digits()
		}
		if len(zone) != 2 && len(zone) != 4 {
			return 0, false
		}
	}
	return float64(hour*3600+minute*60+second) + fraction, true
}

// dateOrder finds the form that all dates of the training rows have. rowOf gives the first row in which a level stands, -1 if no training row has it.
func dateOrder(t *dataset.Table, c *dataset.Column, asked string, rowOf []int) (string, error) {
	codes := make([]int, 0, len(c.Levels))
	for code := range c.Levels {
		if rowOf[code] >= 0 {
			codes = append(codes, code)
		}
	}
	slices.SortFunc(codes, func(a, b int) int { return rowOf[a] - rowOf[b] })
	left := dateOrders
	if asked != "" {
		left = []string{asked}
	}
	before := -1 // the date before
	e := &dataset.Errors{}
	add := func(err *dataset.Error) {
		if e.Total++; len(e.List) < 10 {
			e.List = append(e.List, err)
		}
	}
	for _, code := range codes {
		text := c.Levels[code]
		var fits []string
		for _, order := range left {
			if _, ok := parseDate(order, text); ok {
				fits = append(fits, order)
			}
		}
		if fits != nil {
			left, before = fits, code
			continue
		}
		other := slices.ContainsFunc(dateOrders, func(order string) bool { _, ok := parseDate(order, text); return ok })
		err := t.At(rowOf[code], c, "%q is not a date", clip(text))
		switch {
		case other && asked != "":
			err = t.At(rowOf[code], c, "%q is not a date in the order %s", clip(text), asked)
		case other:
			err = t.At(rowOf[code], c, "the date %q has another form than %q before it (line %d)", clip(text), clip(c.Levels[before]), t.Line(rowOf[before]))
		}
		add(err)
	}
	if e.Total > 0 {
		return "", e
	}
	if slices.Contains(left, orderDMY) && slices.Contains(left, orderMDY) {
		text := c.Levels[codes[0]]
		for _, code := range codes {
			a, _ := parseDate(orderDMY, c.Levels[code])
			if b, _ := parseDate(orderMDY, c.Levels[code]); a != b {
				text = c.Levels[code]
				break
			}
		}
		a, _ := parseDate(orderDMY, text)
		b, _ := parseDate(orderMDY, text)
		err := t.At(rowOf[slices.Index(c.Levels, text)], c, "%q is day/month/year (%s) or month/day/year (%s): the dates of this column fit both",
			clip(text), dayText(a), dayText(b))
		err.Cure = fmt.Sprintf("--date %s:dmy,… or --date %[1]s:mdy,… says which", c.Name)
		return "", err
	}
	return left[0], nil
}

// holdsDates says whether texts, of which the first are looked at, are dates.
func holdsDates(texts []string) bool {
	return !slices.ContainsFunc(texts[:min(len(texts), 20)], func(text string) bool {
		return !slices.ContainsFunc(dateOrders, func(order string) bool { _, ok := parseDate(order, text); return ok })
	})
}

// dayText is a date as 2006-01-02.
func dayText(days float64) string { return day(days).Format(time.DateOnly) }
