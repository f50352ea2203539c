# Reference numbers for terms and dates: R's glm, with splines::ns. Writes the data (terms.csv) and the numbers (terms_reference.csv).
# Rscript terms.R, R 4.x
library(splines)
set.seed(7)
n <- 400
age <- round(runif(n, 18, 80), 1)
income <- round(rlnorm(n, 10, 0.6), 2)
sex <- sample(c("f", "m"), n, TRUE)
region <- sample(c("east", "north", "west"), n, TRUE, c(.5, .3, .2))
when <- as.Date("2019-03-01") + sample(0:900, n, TRUE)
times <- sample(1:3, n, TRUE)
z <- -1 + 0.002 * (age - 45)^2 * (sex == "m") - 0.03 * (age - 40) + 0.8 * log(income / 20000) + 0.5 * (region == "west") +
  0.4 * (format(when, "%m") %in% c("06", "07"))
y <- rbinom(n, 1, plogis(z))
d <- data.frame(age, income, sex, region, when, times, y)
write.csv(d, "terms.csv", row.names = FALSE, quote = FALSE)

d$sex <- factor(d$sex); d$region <- factor(d$region)
d$year <- as.numeric(format(d$when, "%Y")); d$days <- as.numeric(d$when)
d$month <- factor(month.abb[as.numeric(format(d$when, "%m"))], levels = month.abb)
d$dow <- factor(format(d$when, "%u"))
repeated <- d[rep(seq_len(n), d$times), ]
out <- NULL
add <- function(name, formula, data = d) {
  m <- glm(formula, binomial, data, control = glm.control(epsilon = 1e-14, maxit = 100))
  # Errors by the weights at the end; those of summary() are of the step before.
  x <- model.matrix(m); p <- fitted(m)
  s <- cbind(coef(m), sqrt(diag(chol2inv(qr.R(qr(x * sqrt(p * (1 - p)), tol = 0))))))
  out <<- rbind(out, data.frame(model = name, what = "coefficient", name = names(coef(m)), value = s[, 1], error = s[, 2]))
  out <<- rbind(out, data.frame(model = name, what = "probability", name = 1:5, value = p[1:5], error = 0))
  out <<- rbind(out, data.frame(model = name, what = "loglik", name = "", value = as.numeric(logLik(m)), error = 0))
}
add("power", y ~ age + income + sex + region + I(age^2) + I(age^3))
add("spline", y ~ income + sex + region + ns(age, df = 4))
add("spline2", y ~ income + sex + region + ns(age, df = 2))
add("spline7", y ~ sex + region + ns(age, df = 7) + ns(income, df = 3))
add("product", y ~ age + income + sex + region + age:income + age:sex + income:region + sex:region)
add("log", y ~ age + income + sex + region + log(income))
add("logonly", y ~ age + sex + region + log(income))
add("date", y ~ age + income + sex + region + year + month + dow + days)
add("weighted", y ~ income + sex + region + ns(age, df = 4), repeated)
out$value <- format(out$value, digits = 17, trim = TRUE); out$error <- format(out$error, digits = 17, trim = TRUE)
write.csv(out, "terms_reference.csv", row.names = FALSE, quote = FALSE)

# The basis itself, beyond the boundary, too.
x <- c(1, 2, 4, 7, 7.5, 8, 12, 19, 23); at <- c(-3, 0, x, 11.3, 30)
basis <- NULL
for (df in 2:6) {
  b <- ns(x, df = df)
  v <- predict(b, at)
  basis <- rbind(basis, data.frame(df = df, knot = "", x = rep(at, ncol(v)), func = rep(seq_len(ncol(v)), each = length(at)), value = as.vector(v)))
}
basis$value <- format(basis$value, digits = 17, trim = TRUE)
write.csv(basis[, c("df", "x", "func", "value")], "../../encode/testdata/spline_reference.csv", row.names = FALSE, quote = FALSE)
