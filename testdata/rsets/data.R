# Writes the data sets of this folder as they come with R 4.2.2 and its packages: Rscript data.R, in the folder that they go to.
# Levels that are not in the order of their bytes stay as they are; reference.R sorts them as descent does.
from <- function(name, package) { e <- new.env(); data(list = name, package = package, envir = e); get(name, e) }
put <- function(name, d) write.csv(d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE, na = "NA")
put("birthwt", from("birthwt", "MASS")[, c("low", "age", "lwt", "race", "smoke", "ptl", "ht", "ui", "ftv")])
put("pima_tr", from("Pima.tr", "MASS"))
put("bacteria", transform(from("bacteria", "MASS"), ap = NULL, hilo = NULL))
put("snails", transform(from("snails", "MASS"), alive = N - Deaths, N = NULL))
put("nodal", from("nodal", "boot")[, -1])
put("urine", na.omit(from("urine", "boot")))
put("endometrial", from("endometrial", "brglm2"))
put("lizards", from("lizards", "brglm2"))
put("esoph", transform(from("esoph", "datasets"), agegp = as.character(agegp), alcgp = as.character(alcgp), tobgp = as.character(tobgp)))
put("mtcars", from("mtcars", "datasets")[, c("am", "vs", "hp", "wt", "qsec")])
u <- as.data.frame(from("UCBAdmissions", "datasets"))
w <- reshape(u, idvar = c("Gender", "Dept"), timevar = "Admit", direction = "wide")
put("ucb", setNames(w, c("Gender", "Dept", "Admitted", "Rejected")))
put("titanic", as.data.frame(from("Titanic", "datasets")))
put("retinopathy", from("retinopathy", "survival")[, c("id", "laser", "age", "type", "trt", "risk", "status")])
