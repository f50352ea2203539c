# L1 by glmnet in memory: Rscript glmnet.R FOLDER LAMBDA THRESHOLD OUT. FOLDER holds a matrix in compressed columns as raw numbers (bench/run writes it).
suppressMessages({library(Matrix); library(glmnet)})
a <- commandArgs(TRUE)
shape <- scan(file.path(a[1], "shape"), quiet = TRUE)
number <- function(name, what, size, n) readBin(file.path(a[1], name), what, n, size = size)
X <- new("dgCMatrix", i = number("i", "integer", 4, shape[3]), p = number("p", "integer", 4, shape[2] + 1), x = number("x", "numeric", 8, shape[3]), Dim = as.integer(shape[1:2]))
y <- number("y", "integer", 4, shape[1])
lambda <- as.numeric(a[2]) / shape[1]
begin <- proc.time()[["elapsed"]]
# A path down to lambda: glmnet's way, and much faster than lambda alone.
top <- max(abs(as.numeric(crossprod(X, y - mean(y))))) / shape[1]
m <- glmnet(X, y, family = "binomial", lambda = exp(seq(log(top), log(lambda), length.out = 20)), standardize = FALSE, thresh = as.numeric(a[3]), maxit = 1e6)
seconds <- proc.time()[["elapsed"]] - begin
k <- length(m$lambda)
writeLines(format(c(as.numeric(m$beta[, k]), m$a0[[k]]), digits = 17), a[4])
cat(sprintf('{"fit": %f, "read": 0}\n', seconds))
