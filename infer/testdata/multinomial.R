# Called by multinomial.py: file, label, columns, weight, reference class -> JSON. The intercept is first in every equation.
a <- commandArgs(TRUE)
d <- read.csv(a[1])
columns <- strsplit(a[3], ",")[[1]]
y <- factor(d[[a[2]]])
if (a[5] != "") y <- relevel(y, ref = a[5])
w <- if (a[4] == "") rep(1, nrow(d)) else d[[a[4]]]
d <- data.frame(.y = y, .w = w, d[columns])
f <- as.formula(paste(".y ~", paste(columns, collapse = " + ")))
K <- nlevels(y)
suppressMessages(library(VGAM))
v <- vglm(f, multinomial(refLevel = 1), data = d, weights = .w, epsilon = 1e-15, maxit = 100)
order <- as.vector(sapply(seq_len(K - 1), function(k) seq(k, by = K - 1, length.out = length(columns) + 1))) # VGAM: term by term; here equation by equation
library(nnet)
sd <- c(1, sapply(d[columns], sd))
scaled <- d
for (c in columns) scaled[[c]] <- d[[c]] / sd[[c]]
m <- multinom(f, data = scaled, weights = .w, Hess = TRUE, reltol = 1e-16, abstol = 0, maxit = 10000, trace = FALSE)
null <- multinom(.y ~ 1, data = d, weights = .w, reltol = 1e-16, abstol = 0, maxit = 10000, trace = FALSE)
num <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ","), "]")
rows <- function(x) paste0("[", paste(apply(x, 1, num), collapse = ","), "]")
est <- matrix(coef(v)[order], nrow = K - 1, byrow = TRUE)
cov <- vcov(v)[order, order]
se <- matrix(sqrt(diag(cov)), nrow = K - 1, byrow = TRUE)
cat(sprintf('{"levels":["%s"],"vgam":{"software":"%s, VGAM %s","estimate":%s,"std_error":%s,"covariance":%s,"log_likelihood":%.17g},',
  paste(levels(y), collapse = '","'), R.version.string, packageVersion("VGAM"), rows(est), rows(se), rows(cov), as.numeric(logLik(v))))
cat(sprintf('"nnet":{"software":"nnet %s","estimate":%s,"std_error":%s,"log_likelihood":%.17g,"null_log_likelihood":%.17g,"aic":%.17g,"parameters":%d}}\n',
  packageVersion("nnet"), rows(t(t(matrix(coef(m), nrow = K - 1)) / sd)), rows(t(t(matrix(summary(m)$standard.errors, nrow = K - 1)) / sd)),
  as.numeric(logLik(m)), as.numeric(logLik(null)), AIC(m), m$edf))
