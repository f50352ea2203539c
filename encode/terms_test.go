package encode

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParseTerms(t *testing.T) {
	for text, want := range map[string]string{
		"age^2, age*income, spline(age,4), log(income)": "age^2 | age*income | spline(age,4) | log(income)",
		" age ^ 2 ,b *\tage":                            "age^2 | b*age",
		"`hours-per-week`^2":                            "`hours-per-week`^2",
		`"hours per week"*age`:                          "`hours per week`*age",
		"`a``b`^3, \"c\"\"d\"^4":                        "`a``b`^3 | `c\"d`^4",
		"log^2, spline*log":                             "log^2 | spline*log",
		"größe^2, x.1^3, _a^9":                          "größe^2 | x.1^3 | _a^9",
		"spline ( `when:days` , 50 )":                   "spline(`when:days`,50)",
	} {
		all, err := ParseTerms(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var names []string
		for _, f := range all {
			names = append(names, f.String())
		}
		got := strings.Join(names, " | ")
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if again, err := ParseTerms(strings.Join(names, ",")); err != nil || len(again) != len(all) {
			t.Errorf("%s: its names read as %v, %v", text, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                        "character 1: the list ends where a term is expected",
		"age^2,":                  "character 7: the list ends where a term is expected",
		"age":                     "character 1: column age is an input by itself already",
		"age+income":              `character 4: '+' where ^, * or a comma is expected; terms are separated by commas`,
		"age^":                    "character 5: the list ends where the power is expected",
		"age^1":                   "character 5: the power is 1, expected a whole number from 2 to 9",
		"age^10":                  "character 5: the power is 10",
		"age^-2":                  "character 5: the power is -2",
		"age^2.5":                 "character 5: the power is 2.5",
		"age*age":                 "character 1: age*age is age^2",
		"a*b, b*a":                "character 6: b*a is there already, as a*b",
		"a^2, a^2":                "character 6: a^2 is there twice",
		"spline(a,4),spline(a,5)": "character 13: spline(a,5) is there already, as spline(a,4)",
		"spline(age)":             "character 11: ')' where a comma and the degrees of freedom",
		"spline(age,1)":           "character 12: the degrees of freedom is 1, expected a whole number from 2 to 50",
		"spline(age,4":            "character 13: the list ends where the closing bracket is expected",
		"log(log(age))":           "character 1: log is of a column",
		"a*log(b)":                "a product is of two columns",
		"a*b*c":                   "character 4: '*' where a comma or the end of the list is expected; a power is of one column",
		"ns(age,4)":               "there is no function ns; the terms are x^2, x*v, spline(x,4) and log(x); did you mean spline",
		"LOG(age)":                "did you mean log?",
		"`age^2":                  "character 1: the quote ` is not closed",
		"``^2":                    "character 1: a name is empty",
		"größe^2, 2nd^2":          "character 10: '2' where a term is expected",
		"hours-per-week^2":        "character 6: '-' where ^, * or a comma is expected; the terms are",
	} {
		if _, err := ParseTerms(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzTerms: what is read is written as what reads the same.
func FuzzTerms(f *testing.F) {
	f.Add("age^2, age*income, spline(age,4), log(income)")
	f.Add("`a``b`^3, \"c\"\"d\"^4")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseTerms(text)
		if err != nil {
			return
		}
		var names []string
		for _, f := range all {
			names = append(names, f.String())
		}
		again, err := ParseTerms(strings.Join(names, ", "))
		if err != nil || !slices.EqualFunc(all, again, func(a, b Formula) bool { return a.String() == b.String() }) {
			t.Errorf("%q: %q, then %v (%v)", text, names, again, err)
		}
	})
}

// TestSpline compares the basis with R's splines::ns, and looks at what makes it natural.
func TestSpline(t *testing.T) {
	f, err := os.Open("testdata/spline_reference.csv") // testdata/terms/terms.R of the module
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{1, 2, 4, 7, 7.5, 8, 12, 19, 23}
	const tolerance = 2e-14 // absolute; the numbers are of size 1
	worst := 0.0
	for _, row := range rows[1:] {
		var v [4]float64
		for i := range v {
			v[i], _ = strconv.ParseFloat(row[i], 64)
		}
		knots, ok := splineKnots(x, nil, int(v[0]))
		if !ok {
			t.Fatalf("no %v knots", v[0])
		}
		if d := math.Abs(newSpline(knots).at(int(v[2])-1, v[1]) - v[3]); d > tolerance {
			t.Errorf("%v: %v, knots %v", row, newSpline(knots).at(int(v[2])-1, v[1]), knots)
		}
		worst = math.Max(worst, math.Abs(newSpline(knots).at(int(v[2])-1, v[1])-v[3]))
	}
	if len(rows) < 200 || worst > tolerance {
		t.Errorf("%d values, the largest difference %g", len(rows), worst)
	}
	knots, _ := splineKnots(x, nil, 5)
	s := newSpline(knots)
	for j := range s.degrees() {
		// Value, slope and curvature agree on both sides of every knot, and there is no curvature at the ends.
		second := func(p [4]float64, t float64) float64 { return 2*p[2] + 6*p[3]*t }
		slope := func(p [4]float64, t float64) float64 { return p[1] + 2*p[2]*t + 3*p[3]*t*t }
		for m := 1; m < len(s.pieces); m++ {
			a, b, h := s.pieces[m-1][j], s.pieces[m][j], knots[m]-knots[m-1]
			for _, d := range []float64{cubic(&a, h) - b[0], slope(a, h) - b[1], second(a, h) - 2*b[2]} {
				if math.Abs(d) > 1e-13 {
					t.Errorf("function %d jumps by %g at knot %d", j+1, d, m)
				}
			}
		}
		n := len(s.pieces)
		if a, b := 2*s.pieces[0][j][2], second(s.pieces[n-1][j], knots[n]-knots[n-1]); math.Abs(a)+math.Abs(b) > 1e-13 {
			t.Errorf("function %d bends at the ends: %g, %g", j+1, a, b)
		}
	}
}

// TestSplineKnots: weight k is the number k times.
func TestSplineKnots(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 5 + random.IntN(40)
		x, s := make([]float64, n), make([]float64, n)
		var repeated []float64
		for i := range x {
			x[i] = math.Round(random.NormFloat64() * 1000)
		}
		slices.Sort(x)
		for i := range x {
			s[i] = float64(1 + random.IntN(4))
			for range int(s[i]) {
				repeated = append(repeated, x[i])
			}
		}
		degrees := 2 + random.IntN(6)
		a, ok := splineKnots(x, s, degrees)
		b, same := splineKnots(repeated, nil, degrees)
		if ok != same || !slices.Equal(a, b) {
			t.Fatalf("%v with weights %v: %v (%v), repeated %v (%v)", x, s, a, ok, b, same)
		}
	}
}

func TestParseDate(t *testing.T) {
	days := func(y, m, d int) float64 { // Howard Hinnant's days_from_civil
		if m <= 2 {
			y--
		}
		era := int(math.Floor(float64(y) / 400))
		yoe := y - era*400
		doy := (153*((m+9)%12)+2)/5 + d - 1
		return float64(era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468)
	}
	for _, c := range []struct {
		order, text string
		want        float64
	}{
		{orderYMD, "1970-01-01", 0}, {orderYMD, "2006-01-02", days(2006, 1, 2)}, {orderYMD, "2006/1/2", days(2006, 1, 2)}, {orderYMD, "20060102", days(2006, 1, 2)},
		{orderYMD, "1969-12-31", -1}, {orderYMD, "1900-02-28", days(1900, 2, 28)}, {orderYMD, "0001-01-01", days(1, 1, 1)}, {orderYMD, "2000-02-29", days(2000, 2, 29)},
		{orderYMD, "1960-06-01T12:00:00", days(1960, 6, 1) + 0.5}, {orderYMD, "2006-01-02 18:00", days(2006, 1, 2) + 0.75}, {orderYMD, "2006-01-02T06:00:00.000Z", days(2006, 1, 2) + 0.25},
		{orderYMD, "2006-01-02T06:00:00+05:30", days(2006, 1, 2) + 0.25}, {orderYMD, "2006-01-02 06:00:00 UTC", days(2006, 1, 2) + 0.25},
		{orderDMY, "02/01/2006", days(2006, 1, 2)}, {orderDMY, "2.1.2006", days(2006, 1, 2)}, {orderDMY, "31-12-1999", days(1999, 12, 31)},
		{orderMDY, "01/02/2006", days(2006, 1, 2)}, {orderMDY, "12/31/1999 6:00 PM", days(1999, 12, 31) + 0.75}, {orderMDY, "12/31/1999 12:00 AM", days(1999, 12, 31)},
		{orderNamed, "2 Jan 2006", days(2006, 1, 2)}, {orderNamed, "02-JAN-2006", days(2006, 1, 2)}, {orderNamed, "Jan 2, 2006", days(2006, 1, 2)}, {orderNamed, "January 2 2006", days(2006, 1, 2)},
		{orderNamed, "Monday, January 2, 2006 03:00:00", days(2006, 1, 2) + 0.125}, {orderNamed, "2 September 2006", days(2006, 9, 2)}, {orderNamed, "2 Sept 2006", days(2006, 9, 2)},
	} {
		if got, ok := parseDate(c.order, c.text); !ok || got != c.want {
			t.Errorf("%s %q: %v %v, want %v", c.order, c.text, got, ok, c.want)
		}
	}
	for _, c := range []struct{ order, text string }{
		{orderYMD, "2006-13-01"}, {orderYMD, "2006-02-29"}, {orderYMD, "2006-1"}, {orderYMD, "06-01-02"}, {orderYMD, "2006-01-02x"}, {orderYMD, "2006-01-02 " + "25:00"}, {orderYMD, "2006-01/02"},
		{orderYMD, ""}, {orderYMD, "0000-01-01"}, {orderYMD, "2006-00-01"}, {orderYMD, "2006-01-00"}, {orderYMD, "2006-01-02T06"}, {orderYMD, "200601023"},
		{orderDMY, "31/04/2006"}, {orderDMY, "1/2/06"}, {orderMDY, "13/01/2006"}, {orderMDY, "1.2.2006"}, {orderNamed, "2 Foo 2006"}, {orderNamed, "Jan 2006"}, {orderNamed, "Jan 2, 06"},
		{orderDMY, "1/2-2006"},
	} {
		if got, ok := parseDate(c.order, c.text); ok {
			t.Errorf("%s %q is read as %v", c.order, c.text, got)
		}
	}
}

func FuzzDate(f *testing.F) {
	f.Add("2006-01-02T15:04:05Z")
	f.Add("Monday, January 2, 2006 3:04 PM")
	f.Fuzz(func(t *testing.T, text string) {
		for _, order := range dateOrders {
			if v, ok := parseDate(order, text); ok {
				c := Column{Order: order}
				again, ok := parseDate(order, c.DateText(v))
				if !ok || again != math.Floor(v) {
					t.Errorf("%s %q is %v, then %q", order, text, v, c.DateText(v))
				}
			}
		}
	})
}

// TestComputedColumns: what a file may not say of a computed column.
func TestComputedColumns(t *testing.T) {
	age, sex := Column{Name: "age", Type: Numeric}, Column{Name: "sex", Type: Levels, Levels: []string{"f", "m"}, Base: "f"}
	when := Column{Name: "when", Type: DateType, Order: orderYMD}
	for name, c := range map[string]Column{
		"no source":       {Type: Numeric, Computed: &Computed{Kind: KindLog, Of: []string{"b"}}},
		"of itself":       {Type: Numeric, Computed: &Computed{Kind: KindLog, Of: []string{"new"}}},
		"two":             {Type: Numeric, Computed: &Computed{Kind: KindLog, Of: []string{"age", "age"}}},
		"none":            {Type: Numeric, Computed: &Computed{Kind: KindPower, Power: 2}},
		"power 1":         {Type: Numeric, Computed: &Computed{Kind: KindPower, Power: 1, Of: []string{"age"}}},
		"power of text":   {Type: Numeric, Computed: &Computed{Kind: KindPower, Power: 2, Of: []string{"sex"}}},
		"log as levels":   {Type: Levels, Levels: []string{"a"}, Computed: &Computed{Kind: KindLog, Of: []string{"age"}}},
		"knots":           {Type: Numeric, Computed: &Computed{Kind: KindSpline, Of: []string{"age"}, Knots: []float64{1, 1, 2}, Function: 1}},
		"function":        {Type: Numeric, Computed: &Computed{Kind: KindSpline, Of: []string{"age"}, Knots: []float64{1, 2, 3}, Function: 3}},
		"far knots":       {Type: Numeric, Computed: &Computed{Kind: KindSpline, Of: []string{"age"}, Knots: []float64{-1e308, 0, 1e308}, Function: 1}},
		"level":           {Type: Numeric, Computed: &Computed{Kind: KindProduct, Of: []string{"age", "sex"}, Level: "x"}},
		"pairs":           {Type: Levels, Levels: []string{"a"}, Computed: &Computed{Kind: KindProduct, Of: []string{"sex", "sex"}}},
		"a pair":          {Type: Levels, Levels: []string{"a"}, Computed: &Computed{Kind: KindProduct, Of: []string{"sex", "sex"}, Pairs: [][2]string{{"m", "x"}}}},
		"level of a log":  {Type: Numeric, Computed: &Computed{Kind: KindLog, Of: []string{"age"}, Level: "m"}},
		"pairs of a log":  {Type: Numeric, Computed: &Computed{Kind: KindLog, Of: []string{"age"}, Pairs: [][2]string{{"m", "m"}}}},
		"level and pairs": {Type: Levels, Levels: []string{"a"}, Computed: &Computed{Kind: KindProduct, Of: []string{"sex", "sex"}, Level: "m", Pairs: [][2]string{{"m", "m"}}}},
		"of a term":       {Type: Numeric, Computed: &Computed{Kind: KindProduct, Of: []string{"sq", "sq"}}},
		"part":            {Type: Numeric, Computed: &Computed{Kind: KindDate, Of: []string{"when"}, Part: "hour"}},
		"month":           {Type: Numeric, Computed: &Computed{Kind: KindDate, Of: []string{"when"}, Part: PartMonth}},
		"a month":         {Type: Levels, Levels: []string{"foo"}, Computed: &Computed{Kind: KindDate, Of: []string{"when"}, Part: PartMonth}},
		"no date":         {Type: Numeric, Computed: &Computed{Kind: KindDate, Of: []string{"age"}, Part: PartYear}},
		"kind":            {Type: Numeric, Computed: &Computed{Kind: "sqrt", Of: []string{"age"}}},
		"date form":       {Type: DateType, Order: "xyz"},
	} {
		c.Name = "new"
		e := Encoding{Columns: []Column{age, sex, when, {Name: "sq", Type: Numeric, Computed: &Computed{Kind: KindPower, Power: 2, Of: []string{"age"}}}, c}}
		if err := e.Check(); err == nil || !strings.Contains(err.Error(), `column "new"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
