package doctor

// Code explains one warning, for `descent help W-constant`.
type Code struct {
	Code  string
	Title string // one line
	Text  string // a paragraph or two: what was found, what it does, what can be done
}

// Codes is the table of all warnings of the program, in order of their codes. The slice is new.
func Codes() []Code { return append([]Code(nil), codes...) }

// Explain finds the explanation of a code.
func Explain(code string) (Code, bool) {
	for _, c := range codes {
		if c.Code == code {
			return c, true
		}
	}
	return Code{}, false
}

var codes = []Code{
	{"W-classes", "the target has more than two levels", `The target column has 3 to 100 different values, so there are more than two classes. Often that is a
label misspelled, or a column of numbers taken for the target: the message names the levels and the
line on which the third was met. If the classes are meant, --softmax says so; to tell one level from
all others, use --positive LEVEL --against-rest.`},
	{"W-collinear", "other columns determine this one", `A column is equal to another one, or a sum of multiples of others and a constant (a total beside its
parts, all indicator columns of one category, Celsius beside Fahrenheit). Then infinitely many
weights give the same predictions, and the weights and standard errors of these columns mean nothing
by themselves. Columns are looked at in the order of the file, centred and scaled; one counts as
determined when what earlier columns cannot explain is at most 1e-7 of its size, measured on the
rows themselves. Without a penalty (and with the solvers auto, newton and lbfgs) the later column is
left out, as R does, which changes no prediction. With a penalty, gd or sgd every column stays and
they share the weight.`},
	{"W-constant", "this column is the same in every row", `A column has one value in all rows used (its smallest value is its largest, or its standard
deviation is at most 1e-12 of its largest absolute value), or a column of levels has one level only.
It cannot tell rows apart, so its weight is 0. Leave it out with --exclude; if it ought to vary, the
file holds the wrong rows.`},
	{"W-data", "the file is not the one that the model was trained on", `A model keeps a fingerprint of the parsed values of its training file, and those of this file give
another one. descent explain --train goes on, as if these rows had led to the model: with another
file of the same kind that is nearly so. Format and compression have no part in the fingerprint; an
edited cell, a row more or less, rows or columns in another order have.`},
	{"W-date", "a column of numbers holds days or months", `Every number of the column is a day such as 20240131 or a month such as 202401. As a number its
differences are no lengths of time (from 20240131 to 20240201 is 70, not one day), so a weight on
it means nothing. --date COL:year,month,dow,days takes year, month, day of the week and days since
some day from a column of days; --exclude COL leaves it out. A date in a test set lies mostly after
those in training: think about which of its parts will still mean the same then.`},
	{"W-duplicates", "test rows equal training rows", `At least one in twenty of the test rows equals a training row in every column, label included, and
not because the columns have few possible values (then far more rows would agree in all columns but
one). Such rows are no test: the model has seen them. Measures on the test rows are then too good.
Take the copies out of one of the two, or, where several rows come from one person or thing, keep
them on one side with --group COL.`},
	{"W-header", "every column name is a number", `Every name in the first line is a number, as if the first line were data. Then one row is lost and
the columns have meaningless names. With --no-header the first line is data and the columns are
called x1, x2 and so on. If the numbers are the names (years, say), nothing is wrong.`},
	{"W-identifier", "a column of numbers numbers the rows", `A column holds a different whole number in every row, and either leaves no number out between its
smallest and its largest, or says by its name that it is an identifier. A weight on it would say
that rows further down the file are more or less likely to be positive: that is an accident of how
the file was put together (often sorted by class), and new rows have numbers of their own. Leave it
out with --exclude. If it is time that passes (a day, a measurement after the other), nothing is
wrong.`},
	{"W-index", "a LIBSVM file uses index 0", `LIBSVM features are numbered from 1, and some programs write from 0. Index 0 is taken as one more
feature, x0. Check that the program that wrote the file and the one that wrote your other files
number alike: otherwise every feature is off by one.`},
	{"W-leak", "one column alone tells nearly every label", `One column, cut at one place (or, of levels, with a class for every level), tells the labels of all
rows but at most 1 % of those not in the largest class. Real causes are seldom that good. Often the
column is the target under another name, was made from it, or is filled in only once the outcome is
known (a date of cancellation, a treatment, an amount recovered): then the model looks perfect and
is useless for new rows, for which the column does not exist yet. Leave it out with --exclude. If
it is known before the outcome and really is that good, nothing is wrong. A note says the same of
columns that leave up to 5 %.`},
	{"W-levels", "a column has nearly a level per row, or holds dates", `A column of text has a different value in every row or nearly (an identifier, a name, free text), or
holds dates. Every level would get a weight of its own, learnt from one or two rows: such a model
fits its training rows and predicts nothing. Leave the column out with --exclude, put rare levels
together with --min-level-count K, or have parts of dates as inputs (year, month, day of the week,
days since 1970) with --date COLUMN:year,month,dow,days (descent help terms).`},
	{"W-missing", "values are missing", `Cells are empty or hold one of the texts that mean missing (--na; by default empty, NA, N/A, NaN,
null, none, ? and .). Training refuses them unless you choose: --missing drop leaves out the rows
that miss a value in a column in use; mean puts the mean in the place of a missing number and adds a
column that says so; level makes missing a level of its own. The choice is stored in the model and
used when predicting. The warning also comes, with a policy chosen, when a column is missing in more
than half of the rows.`},
	{"W-positive", "which label is positive was decided by sort order", `The two labels are no pair with a known positive side (such as 0/1, no/yes, fail/pass), so the later
one in sort order was taken as positive: probabilities are the probability of that label. If you
meant the other one every probability is one minus what you wanted, and every weight has the other
sign. --positive LEVEL settles it.`},
	{"W-separation", "the labels can be separated without error, so no finite optimum exists", `Some sum of multiples of columns is never on the wrong side: every positive row has it at or above a
threshold, every negative row at or below (and not all exactly on it). Then the likelihood rises for
ever as these weights grow, and the numbers at which training stops mean nothing; their standard
errors mean even less. A single level that only occurs with one label is the commonest case. The
direction was checked on every row, so this is proved, and the columns or levels it needs are named.
Use a penalty (--l2 1), Firth's (--firth: finite estimates and valid intervals), leave the column
out, or put the level together with others. "undecided" means that neither separation nor an optimum
could be proved.`},
	{"W-unfinished", "the model was saved although training did not converge", `--save-unfinished saved weights that are not the optimum: training was stopped, diverged, or there
is no optimum. The model records the verdict, and every command that loads it repeats this warning.
Predictions work; statistics are left out.`},
	{"W-unseen", "rows have levels that training never saw", `When predicting or evaluating, a column of levels has values without a weight. With --unseen
baseline, chosen in training and stored in the model, such a cell counts as none of the known
levels, which is the reference level where one was left out. With --unseen error, it is refused. The
message gives the levels, how many rows have them and the line of the first. A misspelling or a new
category: the second needs a new model.`},
}
