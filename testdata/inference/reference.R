# Statistics of logistic regressions as R sees them: sandwich (robust, clustered), stats (tests, leverage, Cook), car (VIF), brglm2 (Firth), and, where no
# package of Debian has it, a few lines of matrix algebra. One line a number: case, quantity, name, value.
#   Rscript reference.R FILE CASE
# expected.tsv is what it writes of pima.csv, german.csv, pima.csv as successes and failures by age, and pima.csv with a column w of row weights (1, 2, 3, 1, …), here rows repeated. For "endometrial"
# FILE is written: the data are part of brglm2.
# CASE is one of those below; FILE is its data.
args <- commandArgs(TRUE)
file <- args[1]; case <- args[2]
Sys.setlocale("LC_COLLATE", "C") -> . # levels in the order of their bytes
suppressPackageStartupMessages({ library(sandwich); library(brglm2); library(car) })
say <- function(quantity, name, value) cat(sprintf("%s\t%s\t%s\t%.17g\n", case, quantity, name, value), sep = "")
version <- function(p) cat(sprintf("version\t%s\t%s\n", p, as.character(packageVersion(p))))
strict <- glm.control(epsilon = 1e-15, maxit = 100)

if (case == "endometrial") { # Heinze and Schemper 2002
  data("endometrial", package = "brglm2"); d <- endometrial
  write.csv(d, file, row.names = FALSE, quote = FALSE)
} else d <- read.csv(file, stringsAsFactors = TRUE)
if (case == "grouped") { # successes and failures by age
  m <- glm(cbind(successes, failures) ~ age, binomial, d, control = strict)
  m <- glm(cbind(successes, failures) ~ age, binomial, d, control = strict, start = coef(m))
  say("estimate", names(coef(m)), coef(m)); say("std_error", names(coef(m)), sqrt(diag(vcov(m))))
  say("grouped", c("deviance", "null_deviance", "log_likelihood", "pearson", "aic"),
    c(deviance(m), m$null.deviance, as.numeric(logLik(m)), sum(residuals(m, "pearson")^2), AIC(m)))
  say("grouped", c("df_residual", "df_null", "groups"), c(m$df.residual, m$df.null, nrow(d)))
  quit()
}
cluster <- NULL
f <- switch(case,
  pima = { cluster <- d$age; diabetes ~ pregnant + glucose + pressure + triceps + insulin + mass + pedigree },
  repeated = { d <- d[rep(seq_len(nrow(d)), d$w), ]; cluster <- d$age; diabetes ~ pregnant + glucose + mass },
  german = { cluster <- d$purpose; bad ~ checking + duration + amount + sex_status + age },
  endometrial = HG ~ NV + PI + EH)
firthOnly <- case == "endometrial"

# Firth's penalised log likelihood and its maximum where some linear function of beta is held: (beta, value). No package of Debian tests or makes intervals so.
firth <- function(X, y, hold = NULL, at = 0, start = rep(0, ncol(X))) {
  # beta = start0 + Z g: Z spans what hold leaves free
  Z <- diag(ncol(X)); b0 <- rep(0, ncol(X))
  if (!is.null(hold)) { # a matrix, one row a function
    hold <- rbind(hold); q <- qr(t(hold)); Z <- qr.Q(q, complete = TRUE)[, -seq_len(nrow(hold)), drop = FALSE]
    b0 <- qr.Q(q) %*% forwardsolve(t(qr.R(q)), rep(at, length.out = nrow(hold))) # t(hold) = QR
  }
  value <- function(b) {
    z <- drop(X %*% b); w <- plogis(z) * plogis(-z)
    sum(y * plogis(z, log.p = TRUE) + (1 - y) * plogis(-z, log.p = TRUE)) + 0.5 * determinant(crossprod(X * w, X))$modulus
  }
  g <- drop(crossprod(Z, start - b0))
  for (i in 1:2000) {
    b <- drop(b0 + Z %*% g); z <- drop(X %*% b); p <- plogis(z); w <- p * plogis(-z)
    I <- crossprod(X * w, X); h <- w * rowSums((X %*% solve(I)) * X)
    u <- crossprod(Z, crossprod(X, y - p + h * (0.5 - p)))
    s <- drop(solve(crossprod(Z, I %*% Z), u)); old <- value(b); k <- 1
    while (k > 1e-8 && value(drop(b0 + Z %*% (g + k * s))) < old - 1e-12) k <- k / 2
    g <- g + k * s
    if (sum(s * u) < 1e-22) break
  }
  b <- drop(b0 + Z %*% g)
  list(beta = b, value = as.numeric(value(b)))
}

for (p in c("sandwich", "brglm2", "car")) version(p)
cat(sprintf("version\tR\t%s\n", getRversion()))
X <- model.matrix(f, d); y <- model.response(model.frame(f, d)); n <- nrow(X); p <- ncol(X)
names <- colnames(X)

# Firth
m <- glm(f, binomial, d, method = "brglmFit", type = "AS_mean", epsilon = 1e-13, maxit = 2000)
say("firth_estimate", names, coef(m)); say("firth_std_error", names, sqrt(diag(vcov(m)))); say("firth_loglik", "-", as.numeric(logLik(m)))
best <- firth(X, y, start = coef(m))
say("firth_penalized_loglik", "-", best$value)
target <- best$value - qchisq(0.95, 1) / 2
se <- sqrt(diag(vcov(m)))
if (case != "german") for (j in seq_len(p)) {
  e <- as.numeric(seq_len(p) == j)
  say("firth_p", names[j], pchisq(2 * (best$value - firth(X, y, e, 0, best$beta)$value), 1, lower.tail = FALSE))
  for (s in c(-1, 1)) {
    fall <- function(v) firth(X, y, e, v, best$beta)$value - target
    out <- best$beta[j] + s * se[j]; while (fall(out) > 0) out <- out + s * se[j]
    say(if (s < 0) "firth_low" else "firth_high", names[j], uniroot(fall, sort(c(best$beta[j], out)), tol = 1e-11)$root)
  }
}
say("firth_null_chisq", "-", 2 * (best$value - firth(X, y, diag(p)[-1, , drop = FALSE], 0, best$beta)$value))
if (firthOnly) quit()

m <- glm(f, binomial, d, control = strict)
m <- glm(f, binomial, d, control = strict, start = coef(m)) # weights and leverages are those before the last step
b <- coef(m); V <- solve(crossprod(X * m$weights, X)); a <- fitted(m)
say("hc0", names, sqrt(diag(vcovHC(m, type = "HC0"))))
say("hc1", names, sqrt(diag(vcovHC(m, type = "HC1"))))
say("cluster", names, sqrt(diag(vcovCL(m, cluster = cluster, type = "HC1"))))
say("cluster_hc0", names, sqrt(diag(vcovCL(m, cluster = cluster, type = "HC0", cadjust = FALSE))))
if (case == "pima") { # positive rows weigh 3
  w <- suppressWarnings(glm(f, binomial, d, weights = ifelse(y == 1, 3, 1), control = strict))
  w <- suppressWarnings(glm(f, binomial, d, weights = ifelse(y == 1, 3, 1), control = strict, start = coef(w)))
  say("class_weight_trained", names, coef(w)); say("class_weight_hc0", names, sqrt(diag(sandwich(w))))
}
terms <- drop1(m, test = "LRT")[-1, ]
say("lr_chisq", rownames(terms), terms$LRT); say("lr_p", rownames(terms), terms$`Pr(>Chi)`)
# Profile likelihood: the fit without a column, its part of z an offset, and the root of the fall (confint interpolates a grid, to about five digits).
for (j in seq_len(p)) {
  rest <- X[, -j, drop = FALSE]
  fit <- function(v) glm.fit(rest, y, family = binomial(), offset = X[, j] * v, control = strict)$deviance - deviance(m)
  say("coef_lr_chisq", names[j], fit(0))
  s <- sqrt(V[j, j])
  for (sign in c(-1, 1)) {
    out <- b[j] + 2 * sign * s; while (fit(out) < qchisq(0.95, 1)) out <- out + sign * s
    say(if (sign < 0) "profile_low" else "profile_high", names[j], uniroot(function(v) fit(v) - qchisq(0.95, 1), sort(c(b[j], out)), tol = 1e-12)$root)
  }
}
say("null_chisq", "-", m$null.deviance - deviance(m)); say("mcfadden", "-", 1 - deviance(m) / m$null.deviance)

# Average marginal effects: of a number the mean derivative of a, of a level the mean change of a against the first; delta method.
effect <- function(b) {
  out <- c()
  z <- drop(X %*% b)
  for (t in attr(terms(f), "term.labels")) {
    if (!is.factor(d[[t]])) { out[t] <- mean(plogis(z) * plogis(-z)) * b[t]; next }
    of <- paste0(t, levels(d[[t]])[-1]); base <- X; base[, of] <- 0
    for (k in of) { one <- base; one[, k] <- 1; out[k] <- mean(plogis(one %*% b)) - mean(plogis(base %*% b)) }
  }
  out
}
J <- sapply(seq_along(b), function(j) { # central differences with Richardson's extrapolation
  h <- 1e-3 * sqrt(V[j, j]) ; e <- as.numeric(seq_along(b) == j)
  D <- function(h) (effect(b + h * e) - effect(b - h * e)) / (2 * h)
  h <- 0.02 * sqrt(V[j, j]); (4 * D(h / 2) - D(h)) / 3
})
say("margin", base::names(effect(b)), effect(b)); say("margin_std_error", base::names(effect(b)), sqrt(diag(J %*% V %*% t(J))))

v <- vif(m); if (is.matrix(v)) v <- v[, 1]
say("vif", base::names(v), v)
s <- svd(sweep(X, 2, sqrt(colSums(X^2)), "/"))$d; say("condition_number", "-", max(s) / min(s))
# Hosmer-Lemeshow: ten groups by quantiles of a
g <- cut(a, unique(quantile(a, 0:10 / 10)), include.lowest = TRUE)
o1 <- tapply(y, g, sum); e1 <- tapply(a, g, sum); o0 <- tapply(1 - y, g, sum); e0 <- tapply(1 - a, g, sum)
say("hosmer_lemeshow_chisq", "-", sum((o1 - e1)^2 / e1 + (o0 - e0)^2 / e0))
w <- a * (1 - a)
say("spiegelhalter_z", "-", sum((y - a) * (1 - 2 * a)) / sqrt(sum((1 - 2 * a)^2 * w)))
# le Cessie, van Houwelingen, Copas, Hosmer, as rms::residuals.lrm(type = "gof")
r <- lm.wfit(X, 1 - 2 * a, w); say("unweighted_squares_z", "-", (sum((y - a)^2) - sum(w)) / sqrt(sum(w * r$residuals^2)))
h <- hatvalues(m); D <- cooks.distance(m); top <- order(-D)[1:10]
if (case != "repeated") {
  say("cook", paste(top), D[top]); say("cook_leverage", paste(top), h[top])
  change <- t(V %*% t(X * (y - a) / (1 - h))) # of b where the row is there, one step (Pregibon 1981)
  worst <- apply(abs(sweep(change, 2, sqrt(diag(V)), "/")), 1, max); say("cook_change", paste(top), worst[top])
} else say("cook", "top", D[top[1]])
say("leverage_max", "-", max(h))
