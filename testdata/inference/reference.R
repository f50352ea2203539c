# Statistics of logistic regressions as R sees them: sandwich (robust, clustered), stats (tests, leverage, Cook), car (VIF), brglm2 (Firth), and, where no
# package of Debian has it, a few lines of matrix algebra. One line a number: case, quantity, name, value.
#   Rscript reference.R FILE CASE
# expected.tsv is what it writes of pima.csv, german.csv, pima.csv as successes and failures by age, and pima.csv with a column w of row weights (1, 2, 3, 1, …), here rows repeated. Then
# come the sets of ../rsets, made by
#   for c in endometrial birthwt pima_tr nodal urine mtcars esoph ucb lizards snails titanic bacteria retinopathy offset; do
#     Rscript reference.R ../rsets/$([ $c = offset ] && echo birthwt || echo $c).csv $c; done
# CASE is one of those below; FILE is its data.
args <- commandArgs(TRUE)
file <- args[1]; case <- args[2]
Sys.setlocale("LC_COLLATE", "C") -> . # levels in the order of their bytes
suppressPackageStartupMessages({ library(sandwich); library(brglm2); library(car) })
say <- function(quantity, name, value) cat(sprintf("%s\t%s\t%s\t%.17g\n", case, quantity, name, value), sep = "")
version <- function(p) cat(sprintf("version\t%s\t%s\n", p, as.character(packageVersion(p))))
strict <- glm.control(epsilon = 1e-15, maxit = 100)

d <- read.csv(file, stringsAsFactors = TRUE)
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
# Counts of both outcomes become rows, as descent counts them; what R says of them as they are is "grouped".
counted <- function(f, yes, no) {
  g <- update(f, as.formula(sprintf("cbind(%s, %s) ~ .", yes, no)))
  m <- glm(g, binomial, d, control = strict); m <- glm(g, binomial, d, control = strict, start = coef(m))
  say("grouped", c("deviance", "null_deviance", "log_likelihood", "pearson", "aic", "bic"),
    c(deviance(m), m$null.deviance, as.numeric(logLik(m)), sum(residuals(m, "pearson")^2), AIC(m), BIC(m)))
  say("grouped", c("df_residual", "df_null", "groups"), c(m$df.residual, m$df.null, sum(d[[yes]] + d[[no]] > 0)))
  rows <- rep(seq_len(nrow(d)), 2); out <- d[rep(rows, c(d[[no]], d[[yes]])), ]
  out$outcome <- rep(0:1, c(sum(d[[no]]), sum(d[[yes]])))
  out
}
for (k in intersect(case, c("birthwt", "offset"))) d$race <- factor(d$race)
f <- switch(case,
  birthwt = low ~ age + lwt + race + smoke + ptl + ht + ui + ftv,
  offset = low ~ age + lwt + race + smoke + offset(ptl) + ht + ui + ftv,
  pima_tr = type ~ npreg + glu + bp + skin + bmi + ped + age,
  nodal = r ~ aged + stage + grade + xray + acid,
  urine = r ~ gravity + ph + osmo + cond + urea + calc,
  mtcars = am ~ hp + wt,
  esoph = { f <- outcome ~ agegp + alcgp + tobgp; d <- counted(f, "ncases", "ncontrols"); f },
  ucb = { f <- outcome ~ Gender + Dept; d <- counted(f, "Admitted", "Rejected"); f },
  lizards = { f <- outcome ~ height + diameter + light + time; d <- counted(f, "grahami", "opalinus"); f },
  snails = { f <- outcome ~ Species + Exposure + Rel.Hum + Temp; d <- counted(f, "Deaths", "alive"); f },
  titanic = { d <- d[rep(seq_len(nrow(d)), d$Freq), ]; Survived ~ Class + Sex + Age },
  bacteria = { cluster <- d$ID; y ~ week + trt },
  retinopathy = { cluster <- d$id; status ~ laser + age + type + trt + risk },
  pima = { cluster <- d$age; diabetes ~ pregnant + glucose + pressure + triceps + insulin + mass + pedigree },
  repeated = { d <- d[rep(seq_len(nrow(d)), d$w), ]; cluster <- d$age; diabetes ~ pregnant + glucose + mass },
  german = { cluster <- d$purpose; bad ~ checking + duration + amount + sex_status + age },
  endometrial = HG ~ NV + PI + EH)
firthOnly <- case == "endometrial"
stored <- case %in% c("pima", "german", "repeated") # the first cases, whose numbers stay as they are

# The log likelihood plus a power of the determinant of the information, of Firth's method ½, and its maximum where some linear functions of beta are held:
# (beta, value). No package of Debian tests or makes intervals of Firth's method so, and of plain ones glm.fit gives up far from the maximum, confint interpolates.
firth <- function(X, y, hold = NULL, at = 0, start = rep(0, ncol(X)), o = offset, power = 0.5) {
  decompose <- function(b, X) { z <- drop(X %*% b) + o; qr(X * sqrt(plogis(z) * plogis(-z)), tol = 1e-14) }
  inverse <- function(q) { stopifnot(q$rank == ncol(q$qr), q$pivot == seq_len(q$rank)); chol2inv(qr.R(q)) }
  value <- function(b) {
    z <- drop(X %*% b) + o
    sum(y * plogis(z, log.p = TRUE) + (1 - y) * plogis(-z, log.p = TRUE)) + 2 * power * sum(log(abs(diag(qr.R(decompose(b, X))))))
  }
  Z <- diag(ncol(X)); b <- start # b moves along Z, which is what hold leaves free
  if (!is.null(hold)) { # a matrix, one row a function: to the nearest point that keeps it, in the metric of the information
    hold <- rbind(hold); A <- inverse(decompose(b, X)) %*% t(hold)
    b <- drop(b - A %*% solve(hold %*% A, hold %*% b - at)); Z <- qr.Q(qr(t(hold)), complete = TRUE)[, -seq_len(nrow(hold)), drop = FALSE]
  }
  for (i in 1:2000) {
    z <- drop(X %*% b) + o; p <- plogis(z); w <- p * plogis(-z); h <- rowSums(qr.Q(decompose(b, X))^2)
    u <- crossprod(Z, crossprod(X, y - p + power * h * (1 - 2 * p)))
    s <- inverse(qr((X %*% Z) * sqrt(w), tol = 1e-14)) %*% u; old <- value(b); k <- 1
    while (k > 1e-8 && value(drop(b + Z %*% (k * s))) < old - 1e-12) k <- k / 2
    b <- drop(b + Z %*% (k * s))
    if (sum(s * u) < 1e-22) break
  }
  list(beta = b, value = as.numeric(value(b)))
}

for (p in c("sandwich", "brglm2", "car")) version(p)
cat(sprintf("version\tR\t%s\n", getRversion()))
X <- model.matrix(f, d); y <- model.response(model.frame(f, d)); n <- nrow(X); p <- ncol(X)
if (is.factor(y)) y <- as.numeric(y) - 1
offset <- model.offset(model.frame(f, d)); if (is.null(offset)) offset <- rep(0, n)
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
if (!stored) {
  V <- solve(qr.R(m$qr)); V <- V %*% t(V); stopifnot(m$qr$pivot == seq_len(p)) # as vcov, without the crossproduct
  se <- sqrt(diag(V)); z <- b / se
  say("estimate", names, b); say("std_error", names, se); say("z", names, z); say("p", names, 2 * pnorm(-abs(z))); say("odds_ratio", names, exp(b))
  for (level in c(0.9, 0.95, 0.99)) {
    say(paste0("low", 100 * level), names, b - qnorm((1 + level) / 2) * se); say(paste0("high", 100 * level), names, b + qnorm((1 + level) / 2) * se)
  }
  say("fit", c("log_likelihood", "deviance", "null_deviance", "df_residual", "aic", "bic", "null_p"), c(as.numeric(logLik(m)), deviance(m), m$null.deviance,
    m$df.residual, AIC(m), BIC(m), pchisq(m$null.deviance - deviance(m), m$df.null - m$df.residual, lower.tail = FALSE)))
  if (nrow(d) == nrow(read.csv(file))) { # the probability of a row, and its interval
    q <- predict(m, type = "link", se.fit = TRUE)
    for (i in c(1, n %/% 2, n)) {
      say("predict", i, a[i]); say("predict_low", i, plogis(q$fit[i] - qnorm(0.975) * q$se.fit[i])); say("predict_high", i, plogis(q$fit[i] + qnorm(0.975) * q$se.fit[i]))
    }
  }
}
say("hc0", names, sqrt(diag(vcovHC(m, type = "HC0"))))
say("hc1", names, sqrt(diag(vcovHC(m, type = "HC1"))))
if (!is.null(cluster)) {
  say("cluster", names, sqrt(diag(vcovCL(m, cluster = cluster, type = "HC1"))))
  say("cluster_hc0", names, sqrt(diag(vcovCL(m, cluster = cluster, type = "HC0", cadjust = FALSE))))
}
if (case == "pima") { # positive rows weigh 3
  w <- suppressWarnings(glm(f, binomial, d, weights = ifelse(y == 1, 3, 1), control = strict))
  w <- suppressWarnings(glm(f, binomial, d, weights = ifelse(y == 1, 3, 1), control = strict, start = coef(w)))
  say("class_weight_trained", names, coef(w)); say("class_weight_hc0", names, sqrt(diag(sandwich(w))))
}
terms <- drop1(m, test = "LRT")[-1, ]
say("lr_chisq", rownames(terms), terms$LRT); say("lr_p", rownames(terms), terms$`Pr(>Chi)`)
# Profile likelihood: the root of the fall.
for (j in seq_len(p)) {
  e <- as.numeric(seq_len(p) == j); s <- sqrt(V[j, j])
  fall <- function(v) 2 * (as.numeric(logLik(m)) - firth(X, y, e, v, b, power = 0)$value)
  say("coef_lr_chisq", names[j], fall(0))
  for (sign in c(-1, 1)) {
    out <- b[j] + 2 * sign * s; while (fall(out) < qchisq(0.95, 1)) out <- out + sign * s
    say(if (sign < 0) "profile_low" else "profile_high", names[j], uniroot(function(v) fall(v) - qchisq(0.95, 1), sort(c(b[j], out)), tol = 1e-12)$root)
  }
}
say("null_chisq", "-", m$null.deviance - deviance(m)); say("mcfadden", "-", 1 - deviance(m) / m$null.deviance)

# Average marginal effects: of a number the mean derivative of a, of a level the mean change of a against the first; delta method.
density <- function(z) plogis(z) * plogis(-z)
z <- drop(X %*% b) + offset
effect <- c(); J <- c()
for (t in attr(terms(f), "term.labels")) {
  if (!is.factor(d[[t]])) {
    effect[t] <- mean(density(z)) * b[t]
    J <- rbind(J, b[t] * colMeans(density(z) * (1 - 2 * plogis(z)) * X) + mean(density(z)) * (names == t)); next
  }
  of <- paste0(t, levels(d[[t]])[-1]); base <- X; base[, of] <- 0
  for (k in of) {
    one <- base; one[, k] <- 1; z1 <- drop(one %*% b) + offset; z0 <- drop(base %*% b) + offset
    effect[k] <- mean(plogis(z1) - plogis(z0)); J <- rbind(J, colMeans(density(z1) * one - density(z0) * base))
  }
}
say("margin", base::names(effect), effect); say("margin_std_error", base::names(effect), sqrt(diag(J %*% V %*% t(J))))

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
if (nrow(d) == nrow(read.csv(file))) {
  say("cook", paste(top), D[top]); say("cook_leverage", paste(top), h[top])
  change <- t(V %*% t(X * (y - a) / (1 - h))) # of b where the row is there, one step (Pregibon 1981)
  worst <- apply(abs(sweep(change, 2, sqrt(diag(V)), "/")), 1, max); say("cook_change", paste(top), worst[top])
} else say("cook", "top", D[top[1]])
say("leverage_max", "-", max(h))
