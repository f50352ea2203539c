package main

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/descent-ml/descent/doctor"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// topic is a page of help that is about no command.
type topic struct{ name, short, text string }

var topics = []topic{
	{"conventions", "cost, penalty, units, labels", `The cost is J = (1/m) Σ s_i L_i + λ/(2m)·‖w‖² + λ1/m·Σ|w|, m = Σ s_i, with the loss L of one example, row weights s and the penalties --l2 λ and --l1
λ1 (both: elastic net). The bias is never penalised. λ is 1/C of scikit-learn and LIBLINEAR (-B 1 -R); glmnet's λ and α are λ1 = m·λ·α and
λ = m·λ·(1-α) here. Without --l2 and --l1 there is no penalty. --l1 makes weights exactly 0; it has no derivative there, so its solver is the proximal
Newton method, and the proof is the duality gap.

dz has no 1/m, dw and db have it, as in the lecture. alpha is the learning rate and nothing else.

--scale auto standardises numeric columns inside (mean, population standard deviation) and never levels; coefficients are always given
in original units. With a penalty it acts on the standardised weights; --scale none makes it act on the raw ones. Solvers gd and sgd
walk in raw units unless --scale auto is given.

Levels of a column: without a penalty the first in sort order has no weight (the reference), with one every level has a weight.

Labels: of 0/1, -1/1, 1/2, no/yes, false/true, fail/pass, negative/positive, absent/present, benign/malignant, alive/dead, control/case
(any case) the second is class 1 and a note says so. Of any other pair the later in sort order is, and W-positive says so; --positive
LEVEL settles it.

Three to 100 levels are a class each (W-classes, unless --softmax asks for it), ordered by value if all are numbers, else by their
bytes: z, a and y are vectors, a = softmax(z), and W has a row for each class. Without a penalty the weights of --reference-class (the
first) are 0, and the relative risk ratio is exp(weight); with one every class has weights, and the biases have mean zero. The label is
the most probable class. --positive LEVEL --against-rest makes two classes of them.

Equations may declare parameters and their shapes, one a line: V = parameter(16, n), c = parameter(16), w = parameter(16); sizes are numbers, n (inputs)
or K (classes). w, W and b keep the shapes they have, unless declared. --hidden 16 writes such equations, a tanh layer of 16 units before the
output. Matrices, and vectors in a dot product, start at random (uniform within ±√(6/(in + out)), from --seed) and are penalised by --l2; all
else starts at 0 and is not. The cost is not convex: the verdict "stationary" means a gradient of 0 and proves no bound. Parameters are in the
units of the standardised columns, also in the model file.

A row weight k is the row k times. --holdout every:5 leaves out the data rows whose zero-based index is divisible by 5; --holdout 0.2 a share
of every class, at random from --seed; --group and --time: descent help cv.

Same data, same seed: the same model, bit for bit, whatever --threads is.`},
	{"stream", "train --stream: rows that come once", `descent train FILE --target Y --stream (or - for standard input) reads the rows once, learns from them as they come, and forgets them: memory does not
grow with their number. It is for data that do not end or are not kept; for a file that is there, the default solver finds the optimum in a few passes and proves it.

Rows are learnt in their order, --batch of them (64) a step, so a file that is sorted by its label or by time gives a poor model: shuffle it. Each weight has a rate
of its own, AdaGrad's (Duchi, Hazan and Singer 2011): weight j moves by

  alpha·g / (N·d·(ε·d + √G)),    G = Σ g²  over its steps

g the derivative of the batch's loss, d the column's size so far: its standard deviation, or a tenth of its farthest value where that is more; 1 for levels. So
no unit of a column matters, and numbers are centred on their mean so far (LIBSVM's are not). N² is the mean of Σ (x/d)² over the rows, ε is half a row's gradient,
--alpha is 1: about how far the first step moves z. --l2 and --l1 are what they are elsewhere, penalties on the sum of all losses, added in closed form at every step
(FTRL-Proximal, McMahan and others 2013). The model is the mean of the points after all steps, weighted t(t+1)(t+2); with --l1 the last point, whose zeros are zeros.

Types of columns and classes are those of the first 8192 rows. Further down, a cell or label that does not fit is an error at its place; --numeric, --categorical,
--positive LEVEL and --against-rest say beforehand what comes. New levels of text columns are taken as they come, up to --max-levels, and every level has a weight.
--missing, --unseen, --weight, --offset, --softmax, --equations (a loss of dot(w, x) + b) and --test work as ever; what needs the rows again (--holdout, --cv,
statistics, --checkpoint …) is refused.

"progressive" in the JSON is the loss of every row by the weights of the rows before it, which is an honest measure of rows to come, after 1, 2, 4, 8 … steps
("doublings") and at the end; --record K puts the mean of every K steps into the trace. The verdict is "stopped", with exit code 0; nothing is proved, so cost, gap and the
statistics are null. --max-time and an interrupt end the stream early: the model is saved with --save-unfinished.

The model has the same bits on any number of threads and however the input arrives.`},
	{"equations", "the language of -e and --equations", `An equation is name = expression, one a line or with ; between them; # begins a comment. An expression is made of names, decimal
numbers, + - * / ^ (power: from right to left, before a minus), brackets and functions. The last equation is what is differentiated:
nobody writes a derivative.

Functions of one number, component by component of a vector:
  exp(u) log(u)    e to the power u, natural logarithm
  log1p(u)         log(1 + u), also where u is tiny
  sigmoid(u)       1/(1 + exp(-u))
  softplus(u)      log(1 + exp(u))
  tanh(u) abs(u)   hyperbolic tangent, size
  relu(u)          max(u, 0)
  normcdf(u)       the normal distribution function Φ(u), for probit models
  lognormcdf(u)    log Φ(u), also where Φ(u) is tiny

Of two, and of vectors:
  max(u, v)        the larger
  gt(u, v)         1 where u > v, else 0; its derivative is 0
  dot(u, v)        Σ u_j v_j; dot(W, x) is a matrix times a vector
  outer(u, v)      the matrix of all u_i v_j
  sum(u)           of the components
  softmax(u)       exp(u_k) / Σ exp(u_i)
  logsumexp(u)     log Σ exp(u_k)
  mean(u)          over the rows (weighted: (1/m) Σ)

Names in a model (train, check: any other name is an error unless an earlier line defines it):
  x                the inputs of a row, a vector, in the units in which the solver walks
  w                the weights, one for each input
  W                the same of more than two classes, a row for each
  b                the bias; of more than two classes a vector
  y                the label, 0 or 1; of more than two classes 1 at its class, 0 elsewhere
  o                the --offset of a row, where there is one (more than two classes: o*r, where r is 0 at the reference class)
  z, a             what you define. A model predicts with your a, a function of dot(w, x) + b; without one with sigmoid(dot(w, x) + b), of more than two classes softmax
  s, m, lambda     belong to the cost: row weights, their sum, the penalty

The last line is the loss of one example. descent adds the cost by itself:
  J = mean(s*L) + sum(lambda*w*w)/(2*m)
without s where no row has a weight and without the second term where --l2 is not given. The bias is never penalised.

Losses: whatever can be differentiated trains. The log loss in any spelling, also with smoothed labels, is recognised by its equations:
then J - J* is bounded, and where y is the label itself standard errors and odds ratios are valid. Of any other loss (focal, probit,
hinge) the verdict is "stationary" where the derivative is 0. The loss is simplified before it is differentiated, so that
log(sigmoid(z)) is finite at z = -1000.

In step and in graph without dot(w, x) any name may be used: one that begins with x or y is data, every other a parameter.

Three examples, the last with a file focal.txt:
  z = dot(w, x) + b
  a = sigmoid(z)
  L = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))

  descent step -e 'J = 3*(a + b*c)' a=5 b=3 c=2
  descent graph -e 'L = log(1 + exp(-y*(w*x + b)))' --backward --steps
  descent train heart.csv --target disease --equations focal.txt`},
	{"exercise", "check --mine: your own derivatives, marked", `check --mine 'dz = y - a' marks equations that you have written: which is the first wrong one in the order of the pass (z, a, L, J, then da, dz, dw, db), and what
is missing in it: a sign, 1/m, a factor, a term, a transpose. Without a FILE it takes the lecture's model, or that of --equations, with --features N inputs (2), or --classes K, and
made-up examples. With a FILE your rows are used as well. --mine may be given again and again, holds several equations with ; between them, and reads @FILE, or
- for standard input.

Names: those of the model (x, w, b, y, z, a, L, J, m), their derivatives dz, dw, …, components x1, w1, dw1, and lambda with --l2. Every name in your equation has the graph's
value first, and then that of your own equation: an equation that is right in itself is said to be, though the wrong one before it makes its number wrong. A name of
your own, e = a - y, may be used after it is defined.

J is the mean over the m examples, so that da and dz, one example's, have no 1/m, and dw and db have it. dw = x*dz is right for one example, where no other equation speaks
of all. mean(u), sum(u) and dot(u, v) of what there is for each example go over the examples:
  dw = mean(x*dz)     dw = dot(x, dz)/m     db = sum(dz)/m     dw1 = mean(x1*dz)
A loop over the examples: dw1 = 0; dw1 += x1[i]*dz; dw1 /= m; lines such as "for i in range(m):" are skipped, and updates, w = w - alpha*dw, are not marked.
A notebook's lines with capital letters are matrices, and their shapes are checked: X is (n, m), or (m, n) if all of them fit so, dZ = A - Y is (1, m), w (n, 1):
  dw = 1/m*np.dot(X, dZ.T)     dw = X @ dZ.T / m     db = np.sum(dZ, axis=1, keepdims=True)/m

"right, proved": the simplifier takes yours and the graph's to one node, or their difference to 0, or both are equal in exact rational numbers. "right at all 791": equal at so many
examples, to 8 digits. What is wrong is found by changing your equation at one place or two until it is right.

Exit code 1, and "ok": false, where something is wrong. JSON: "mine": [{"node", "yours", "line", "ok", "proved", "first_wrong", "with_graph", "with_yours", "points", "form", "mistake",
"hint", "example": {"at", "yours", "graph"}}], "first_wrong" (the node, or ""), "examples". Mistakes are one of
  sign, term-sign, missing-term, extra-term, wrong-term, missing-mean, extra-mean, missing-factor, extra-factor, constant, swapped, wrong-name, another-node,
  inverted, complement, elementwise, dot, one-example, averaged, transposed, shape, penalty, log-base, undefined, function, operator, power, bracket, unknown

  descent check --mine 'da = -y/a + (1-y)/(1-a); dz = da; dw = mean(x*dz)'
  descent check heart.csv --target disease --l2 1 --mine @homework.txt
  descent graph --backward --steps`},
	{"running", "time and memory limits, checkpoints, --init", `--max-time 10m is a limit on the whole run, reading included. Reading is not cut short; the solver stops at the first
question after the limit, then the gap and the measures of the point reached are computed, a few passes over the rows. The verdict is "stopped" and the exit code 1, whatever
--steps says, unless the point is already proved to be the optimum; -o saves it only with --save-unfinished.

An interrupt (Ctrl-C, SIGINT, SIGTERM) ends the run in the same way with the verdict "interrupted" and exit code 130. A second one ends it at once.

--checkpoint STATE writes the state of the training to a file, whole or not at all, every 30 seconds (--checkpoint-every), at an interrupt and when the time is up. The
same call with --resume STATE goes on from there and ends with the same model, bit for bit, as a run without a break; --threads may differ. --checkpoint and
--resume may name the same file. Other data, another option that has a part in the model, another version of descent or another processor architecture
are refused, and so is a file that is damaged. The file stays when the training is done.

--memory 2GiB bounds what the process takes. A note says how much is needed; rows beyond the bound go to a scratch file in the directory for temporary files ($TMPDIR), which
is gone with the process, and the model has the same bits. A bound that cannot be kept is an error that names the smallest one that works. LIBSVM's entries stay in memory. It is
refused with --successes and --failures, whose rows are made in memory.

--init MODEL starts from a model's weights, by column and level, in original units; what it does not have starts at 0. Where the cost is convex it changes the
number of steps and not the answer; with --solver gd it is where the walk begins. A hidden layer starts from a model with the same inputs and equations. The positive class
must be the same.`},
	{"cv", "cross-validation, --l2 auto, --l1 auto, --group, --time", `--cv K cuts the training rows into K folds: of every class, the rows in a random order (--seed) are dealt out one after the other. Each
fold is left out once, a model is trained on the others, and its mean loss on the fold is measured; --weight counts. The mean over the folds is weighted
by their rows, the standard error comes from the spread of the folds. With a penalty that is given, or none, that is an estimate of the loss on new rows.

--l2 auto and --l1 auto find the penalty (with --cv 10 where no K is given): on a path of 100 values, evenly spaced in their logarithms, from the largest down, each fit starting
from the one before. --cv-rule 1se takes the largest penalty whose mean loss is within one standard error of the least (the default), min the one of the least; the
output has both. The final fit is on all rows, and has the proof and the weights of a fit with that number given by hand.

λ1 begins where all weights are 0 and ends at 1e-4 of it (1e-2 where there are not more rows than weights). λ alone begins at 100 times that value,
where no standardised weight exceeds about 0.01, and ends at 1e-7 of it (1e-5). --l1 auto --l2 auto is the elastic net with λ1 = λ (glmnet's α = 0.5), on the
path of λ1. Where only one of them is auto the other stays as given.

Levels, means and deviations of the columns come from all training rows, not from each fold's: a penalty acts on weights that are standardised
over all rows. λ is the same number in the folds as in the final fit, as in scikit-learn; glmnet holds λ/m.

The loss is the last line of the equations: the log loss, or --equations' own.

--group COL: rows of one value of COL (a patient, a customer) are in one fold, the largest group first, each to the fold with fewest rows; --holdout 0.2 then holds out whole
groups, at random until they have that share of the rows, whatever their classes. --time COL: COL holds numbers or ISO dates (2024-03-17, 2024-03-17T08:30:00Z; without a
zone UTC). --holdout 0.2 is the latest fifth; --cv K cuts the rows into K+1 blocks, of which each but the first is left out once and predicted from
the blocks before it (with the penalty's λ the same number, as always). Rows of one time stay together. A value that is missing is an error. The two do not go together, nor
with --holdout every:K. The column is no input, unless --include names it.`},
	{"statistics", "errors, tests, intervals and when they are valid", `Errors of a coefficient come from the inverse of the information m·H at the optimum; z = estimate/error, p = P(|N(0,1)| > |z|), and the interval at
--conf (0.95) is estimate ± q·error. They are those of maximum likelihood: with a penalty, separation, another loss, class weights or an unfinished
training they are absent, and one sentence says why.

  --robust hc0, hc1  C M C with C = (m·H)⁻¹ and M = Σ s·dz²·x xᵀ: errors that hold also where the variance is not a(1-a). hc1 is m/(m-k) times that, k parameters, as R's vcovHC.
  --cluster COL      M = Σ u uᵀ over the groups of COL, u = Σ s·dz·x of a group, times G/(G-1)·(m-1)/(m-k), as statsmodels and R's vcovCL. With --robust hc0 there is no factor. COL is no input.
  --lr               twice the fall of the log likelihood without a column (all its levels) or a coefficient, against chi-squared; and profile-likelihood intervals: where it has fallen by q²/2, the other coefficients at their best.
  --firth            maximises log likelihood + ½ log|I| (Firth 1993): less biased, and finite under separation. p, low and high are those of the profile of this penalised likelihood (Heinze and Schemper 2002), z is the signed root of its test. Two classes.
  --bootstrap B      percentiles of the estimates of B drawings of the rows (clusters with --cluster), from --seed: also with a penalty, whose shrinkage they share, and with another loss. 1000 is usual.
  --margins          average marginal effects on the probability: of a number the mean of a(1-a)·w, of a level the mean change against the level without a weight; errors by the delta method.
  --diagnostics      variance inflation (generalised for levels), condition number, calibration (unweighted squares, which is valid on training rows; Spiegelhalter; Hosmer-Lemeshow), leverage, Cook's distance and the rows that pull most, with their lines.
  --class-weight W   weighs the rows of a class and takes log w off the intercept afterwards, so that probabilities are those of the data; both numbers are shown, and the threshold is the one at which labels are those of the weighted training.
  --successes, …     counts of both outcomes in a row of the file; every row is as many rows as it counts.

A row of weight k is k rows in all of this.`},
	{"threshold", "--cost, --threshold-for: when a row is called positive", `A row is called positive where its probability is above the model's threshold, a tie is not; predict --threshold and evaluate --threshold take another. The
threshold is 0.5 unless train is told otherwise; with --class-weight it is the one at which labels are those of the weighted training. Two classes.

  --cost fp=1,fn=5           the threshold fp/(fp + fn). Calling a row of probability a positive costs fp·(1-a) and calling it negative fn·a, so that above this threshold positive costs
                             less (Elkan 2001). It rests on probabilities that mean what they say: see the calibration slope, and --recalibrate.
  --threshold-for recall=0.9 the largest threshold at which so much of the positive rows is found. precision=P (of the rows called positive so many are) and specificity=S (of the
                             negative rows so many are called so) take the smallest one. It is chosen on the --holdout or --test rows if there are any, else on the rows that --recalibrate left
                             out, else on the training rows; which, and what was reached, is in the output and in the model. If no threshold reaches it, that is an error.

A threshold that is chosen on rows promises a little too much when it is measured on the same ones.`},
	{"recalibration", "--recalibrate: probabilities that mean what they say", `--recalibrate platt or isotonic puts a function of z, which never falls, in the place of the sigmoid. It is fitted to training rows that were left out: the
rows are cut into the folds of --cv K (without it 5; --group and --time as ever), each fold is scored by a model of the others with the same penalty, and the function is
fitted to all these scores. The model itself is of all training rows, so none is lost, and it is never fitted to the scores of rows that its model knew. By --time the rows of
the first block have no score.

  platt     sigmoid(slope·z + intercept): the logistic regression of the labels on z by maximum likelihood, where class 1 counts as (N₁+1)/(N₁+2) and class 0 as 1/(N₀+2)
            (Platt 1999). A slope below 0 becomes 0. Right where probabilities are too extreme or too timid; needs few rows.
  isotonic  the function that never falls with the least squared error (pool adjacent violators), between pools a line in z, beyond the outermost flat; kept within Platt's two
            numbers, so that no probability is 0 or 1. Any shape; wants a thousand rows or more. Rows may get equal probabilities, which changes the AUC.

Both are what scikit-learn's CalibratedClassifierCV(ensemble=False) fits. The output shows the measures before and after, of the rows left out (to which it was fitted) and of --holdout or
--test rows, which tell the truth. Coefficients, their errors and odds ratios are those of z, before it; --interval takes the ends of the interval of z through it. Two
classes; not with gd, sgd, --firth, --hidden, --margins or --diagnostics.`},
	{"terms", "inputs computed from columns: powers, products, splines, logarithms, parts of dates", `--terms 'age^2, age*income, spline(age,4), log(income)' adds inputs that are computed from columns; nothing else can be computed. A term
has its own coefficient, its own contribution to z and its own name, and the columns stay inputs beside it:
  age^2           a power, 2 to 9
  age*income      the product of two numbers
  age*sex         the number for every level of sex that has a weight, else 0: age*sex=m
  sex*region      1 for a pair of levels that both have a weight: sex*region=m*west
  spline(age,4)   a natural cubic spline with 4 degrees of freedom (2 to 50): spline(age,4)[1] to [4]
  log(income)     the natural logarithm
In words of R: y ~ age + I(age^2), age*income, age:sex, ns(age, df=4), log(income), with the same coefficients.

The spline's basis is that of R's splines::ns: boundary knots at the smallest and largest training value, the others at quantiles (type 7) in equal
steps, a straight line beyond the boundary. It holds the straight line, so it takes the place of age, which is then no input by itself. With row weights the quantiles
are those of the rows repeated. Knots are of the training rows alone and stand in the model.

A column named by a term that --exclude (or --include) leaves out is read for the term alone: --exclude income --terms 'log(income)' has log(income) and not
income. A name that is not made of letters, digits, _ and . stands in backticks or double quotes: ` + "`" + `hours-per-week` + "`" + `^2, "hours per week"^2; a quote in it is
written twice. age*income and income*age are one term, and a term may be there once. Errors say at which character of the list they are.

Where a value is missing and --missing mean puts the mean in its place, a term is computed from that mean; the column's indicator speaks for both. A pair of
levels that training did not see has no weight, and predict counts it. The logarithm of a number not above 0 is an error at its place. Terms have no coding of their own:
--base, --min-level-count and --coding are about the columns. --lr tests a term with all its inputs at once. LIBSVM files take no terms.

--date COLUMN:year,month,dow,days takes parts of a column of dates, in the place of the column; again for another column:
  when:year       a number
  when:month      levels jan to dec: the effect of a month is not in proportion to its number (--base when:month=jul chooses the reference)
  when:dow        the day of the week: levels mon to sun
  when:days       a number: days since 1970-01-01, the time of day as a share of one
Dates are 2006-01-02, 2006/01/02 or 20060102, 02/01/2006 or 01/02/2006 (also with - or, day first, with .), 2 Jan 2006, Jan 2, 2006, each also with a time
of day (15:04:05, 3:04 PM, a blank or T before it). A zone is read and left aside: day and time are those written. All dates of a column have one form, else
it is an error at the line; dates that could be day/month and month/day are an error, which --date when:dmy,year or when:mdy,year settles. A month or day of the
week that training did not see follows --unseen. A missing date follows --missing: with mean it has the mean of year and days, no weight for month and day
of the week, and the indicator when=missing. Terms may be of parts: --terms '` + "`" + `when:days` + "`" + `^2'.`},
	{"metrics", "how measures, their intervals, skill, comparisons and costs are computed", `evaluate, and train for its test rows, give every measure a confidence interval at --conf (0.95): what the model would score on all rows of which these are a random
sample, independent of each other. Rows of the training are no such sample, since the model was chosen to fit them, and have none. A weight k is k rows;
weights that are no counts (that sum to 1, say) make every interval wrong. q is the normal quantile, M = Σ s. – (null): these rows cannot tell.

  log loss, Brier      mean ± q·sd/√M. Log loss is -log of the probability of the label; Brier is (a - y)², of more than two classes summed over them.
  accuracy, sensitivity, specificity, precision  Wilson's score interval of a proportion (Wilson 1927), also of the bins of the calibration table, and of precision and recall of a class.
  AUC                  ± q standard errors of DeLong et al. (1988), as R's pROC. Where AUC is 1 their estimate is 0, and there is no interval.
  average precision    standard error by its influence function, symmetric in the logit (Boyd et al. 2013).
  F1                   2J/(1+J) of Wilson's interval of J = tp/(tp + fp + fn) (Hand et al. 2021).
  calibration slope, intercept  of the logistic regression of the labels on z, ± q standard errors: 1 and 0 where probabilities are right.
  AUC, F1, mean        of more than two classes: the delta method.

The constant model gives every row the shares of the classes in the training rows. The skill is 1 - loss/constant's loss (of log loss: McFadden's measure, on these rows),
with an interval by the delta method; the test is of the mean difference of the log losses of the rows.

  --against OLD    the same rows under an older model, at its own threshold: mean differences of log loss and Brier score (paired z test), AUC (the paired test of DeLong et al.), and the decisions that only one of the models has right (McNemar's test, exact binomial). Below 0 is better for log loss and Brier score, above 0 for AUC. The target and its classes must be the same; weights are those of MODEL.
  --slices sex,age   the measures in parts of the rows: by the levels of any column of FILE, whether the model reads it or not, by the values of at most ten different numbers, or by fifths (by weight, equal numbers together) of more. Of more than fifty levels the 49 with most weight are shown and the others are one. A slice with fewer than 10 rows of a class (of more than two classes: 30 rows) is marked. Its mean probability is tested against its rate: z = Σ s(y - a)/√(Σ s·a(1 - a)), p for all slices of a column together by Holm's method. Two tests of the column: Σ z², that every slice is right on average; and the score test of an intercept for each slice beside a common one, that all are off by the same shift of z. Several columns are several chances to find something.
  --cost fp=1,fn=5 what false positives and false negatives cost in total and a row: at the threshold in use, at fp/(fp + fn), which costs least where probabilities mean what they say (Elkan 2001), at the best threshold for these rows, which is optimistic since it was chosen on them, and where every row gets the same label.

These are large-sample results: with fewer than some ten rows of a class they are rough.`},
	{"exit-codes", "what the exit code says", `  0    done
  1    an error in the data, the model or the training; nothing is left behind
  64   the command line cannot be meant, or asks for what this version does not have yet
  130  interrupted; with --checkpoint the state is saved (descent help running)
There is no other.`},
	{"json", "the shape of --json", `With --json standard output holds exactly one JSON object, also when the exit code is not 0: then it has
  "error": {"message", "file", "line", "column"}
(null where there is no such place) besides what is known, such as the verdict of a training. Where several errors are listed they are
under "errors", and "total" says how many there are. predict --json is JSON Lines, one object a row; with -o they go to the file and a
summary to standard output. Numbers are the shortest decimals that read back as the same float64; what is undefined is null. Notes,
warnings and errors go to standard error in either case, one line each unless it is a terminal.`},
	{"warnings", "the codes of warnings", ""},
}

// help is -h and help COMMAND.
func (a *app) help(cmd *cobra.Command, _ []string) {
	a.ran = true
	text := a.helpText(cmd)
	if a.json {
		a.emit(map[string]string{"topic": cmd.Name(), "text": text}, nil)
		return
	}
	a.stdout.WriteString(text)
}

func (a *app) helpText(cmd *cobra.Command) string {
	p := &page{app: a}
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	p.prose(about)
	if cmd.HasAvailableSubCommands() {
		p.heading("commands")
		var pairs []string
		var later []string
		for _, c := range cmd.Commands() {
			if c.Hidden {
				later = append(later, c.Name())
				continue
			}
			if c.Name() != "help" {
				pairs = append(pairs, "  "+c.Name(), c.Short)
			}
		}
		p.facts(append(pairs, "  help TOPIC", "a command, or: "+strings.Join(topicNames(), ", ")+", W-…")...)
		p.WriteByte('\n')
		p.say("not yet: " + strings.Join(later, ", "))
	} else {
		p.heading("usage")
		for _, line := range wrapUnder(cmd.UseLine(), "  ", "    ", a.width) {
			p.printf("%s\n", line)
		}
		if cmd.Example != "" {
			p.printf("\n%s\n", cmd.Example)
		}
	}
	var later []string
	flags := func(title string, set *pflag.FlagSet) {
		var titles []string
		lines := map[string]string{}
		many := visible(set) >= manyFlags
		set.VisitAll(func(f *pflag.Flag) {
			if _, is := f.Value.(laterFlag); is {
				later = append(later, "--"+f.Name)
				return
			}
			if f.Hidden || f.Name == "help" {
				return
			}
			under := title
			if many {
				under = groupOf(f.Name)
			}
			if lines[under] == "" {
				titles = append(titles, under)
			}
			lines[under] += flagText(f, a.width)
		})
		for _, t := range titles {
			p.heading(t)
			p.WriteString(lines[t])
		}
	}
	if cmd.HasParent() {
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		own.SortFlags = false
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if cmd.InheritedFlags().Lookup(f.Name) == nil {
				own.AddFlag(f)
			}
		})
		flags("flags", own)
		flags("flags of every command", cmd.InheritedFlags())
	} else {
		flags("flags of every command", cmd.PersistentFlags())
	}
	if len(later) > 0 {
		p.WriteByte('\n')
		p.say("not yet: " + strings.Join(later, ", "))
	}
	return p.String()
}

// visible is the number of flags that help shows.
func visible(set *pflag.FlagSet) (n int) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			n++
		}
	})
	return n
}

// flagText is the line of a flag: its name, what it takes, what it does.
func flagText(f *pflag.Flag, width int) string {
	column := 30
	if width < 80 {
		column = 8
	}
	kind, usage := pflag.UnquoteUsage(f)
	name := "  "
	if f.Shorthand != "" {
		name += "-" + f.Shorthand + ", "
	}
	name += "--" + f.Name
	if kind != "" {
		name += " " + kind
	}
	var b strings.Builder
	for i, line := range wrap(usage, width-column) {
		switch {
		case i == 0 && lipgloss.Width(name) > column-2: // a long one has its own line
			b.WriteString(name + "\n" + strings.Repeat(" ", column))
		case i == 0:
			b.WriteString(name + strings.Repeat(" ", column-lipgloss.Width(name)))
		default:
			b.WriteString(strings.Repeat(" ", column))
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func topicNames() []string {
	var names []string
	for _, t := range topics {
		names = append(names, t.name)
	}
	return names
}

func (a *app) helpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "about a command, equations, conventions, statistics, metrics, cv, running, exit-codes, warnings, json, or a warning's code",
		Args:  between(0, "TOPIC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if len(args) == 0 {
				a.help(root, nil)
				return nil
			}
			text, ok := a.topic(root, args[0])
			if !ok {
				known := topicNames()
				for _, c := range root.Commands() {
					known = append(known, c.Name())
				}
				for _, c := range doctor.Codes() {
					known = append(known, c.Code)
				}
				hint := "; descent help lists commands and topics"
				if near, ok := closest(args[0], known); ok {
					hint = fmt.Sprintf("; did you mean %q?", near)
				}
				return usagef("no help on %q%s", args[0], hint)
			}
			return a.emit(map[string]string{"topic": args[0], "text": text}, func(p *page) { p.WriteString(text) })
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var out []string
			if len(args) == 0 {
				for _, c := range cmd.Root().Commands() {
					if !c.Hidden {
						out = append(out, c.Name())
					}
				}
				out = append(out, topicNames()...)
				for _, c := range doctor.Codes() {
					out = append(out, c.Code)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
	a.prepare(cmd)
	return cmd
}

// topic is the text on a command, a topic or a code.
func (a *app) topic(root *cobra.Command, name string) (string, bool) {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return a.helpText(c), true
		}
	}
	p := &page{app: a}
	for _, t := range topics {
		if t.name != name {
			continue
		}
		p.heading(t.name)
		p.prose(t.text)
		if name == "warnings" {
			p.Reset()
			p.heading("warnings")
			p.say("A warning says what may be wrong. It never changes a result; --strict makes it an error. descent help CODE explains one.")
			p.WriteByte('\n')
			var pairs []string
			for _, c := range doctor.Codes() {
				pairs = append(pairs, c.Code, c.Title)
			}
			p.facts(pairs...)
		}
		return p.String(), true
	}
	if c, ok := doctor.Explain(strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):]); ok {
		p.heading(c.Code + ": " + c.Title)
		p.prose(c.Text)
		return p.String(), true
	}
	return "", false
}
