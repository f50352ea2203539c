# Multinomial logits of nnet and, where it is installed, VGAM, one number a line:
#
#   Rscript reference.R FILE TARGET WEIGHT LEVELS TERM...
#
# WEIGHT and LEVELS (columns that are factors, separated by commas) may be "-". The first level of TARGET is the reference class.
# Lines: version PROGRAM VERSION; loglik PROGRAM VALUE; coef PROGRAM CLASS TERM ESTIMATE STD_ERROR.
a <- commandArgs(TRUE)
d <- read.csv(a[1], colClasses = NA, stringsAsFactors = FALSE)
target <- a[2]
d[[target]] <- factor(d[[target]])
d$.w <- if (a[3] == "-") 1 else d[[a[3]]]
for (f in setdiff(strsplit(a[4], ",")[[1]], "-")) d[[f]] <- factor(d[[f]])
form <- as.formula(paste(target, "~", paste(a[-(1:4)], collapse = " + ")))

number <- function(v) sprintf("%.17g", v)
line <- function(...) cat(paste(..., sep = "\t"), "\n", sep = "")
table <- function(program, est, se) # one row a class
  for (k in rownames(est)) for (t in colnames(est)) line("coef", program, k, t, number(est[k, t]), number(se[k, t]))

line("version", "R", paste(R.version$major, R.version$minor, sep = "."))

suppressMessages(library(nnet))
line("version", "nnet", as.character(packageVersion("nnet")))
# Its Hessian drops small eigenvalues, so that numbers go in divided by their standard deviation and its answers are multiplied back.
terms <- a[-(1:4)]
size <- sapply(terms, function(t) if (is.factor(d[[t]])) NA else sd(d[[t]]))
size <- size[!is.na(size)]
scaled <- d
for (t in names(size)) scaled[[t]] <- d[[t]] / size[[t]]
m <- multinom(form, scaled, weights = .w, trace = FALSE, Hess = TRUE, maxit = 100000, reltol = 1e-30, abstol = 1e-30)
s <- summary(m, correlation = FALSE)
line("loglik", "nnet", number(as.numeric(logLik(m))))
est <- s$coefficients
se <- s$standard.errors
for (t in names(size)) {
  est[, t] <- est[, t] / size[[t]]
  se[, t] <- se[, t] / size[[t]]
}
table("nnet", est, se)

if (suppressMessages(suppressWarnings(require(VGAM, quietly = TRUE)))) {
  line("version", "VGAM", as.character(packageVersion("VGAM")))
  fit <- function(steps, ...)
    vglm(form, multinomial(refLevel = 1), d, weights = .w, control = vglm.control(epsilon = 1e-14, maxit = steps), ...)
  v <- fit(200)
  v <- suppressWarnings(fit(1, coefstart = coef(v))) # its standard errors are those of the step before: one more, from the end
  est <- t(coef(v, matrix = TRUE))
  se <- matrix(sqrt(diag(vcov(v))), nrow = nrow(est)) # names run class by class within a term
  dimnames(est) <- dimnames(se) <- list(levels(d[[target]])[-1], colnames(est))
  line("loglik", "VGAM", number(logLik(v)))
  table("VGAM", est, se)
}
