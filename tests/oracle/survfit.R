# Reference survival curves from R's survival package, see README.md.
#   Rscript tests/oracle/survfit.R FOLDER [OUTPUT]
# FOLDER holds the CSV files written by export.py.

library(survival)
options(warn = 2) # a fit that warns is no reference

args <- commandArgs(trailingOnly = TRUE)
if (!length(args) %in% 1:2) stop("usage: Rscript survfit.R FOLDER [OUTPUT]")
output <- if (length(args) == 2) args[2] else "tests/oracle/survfit.json"

# JSON, written by hand: 17 significant digits, NA and NaN become null.
num <- function(x) {
  if (any(is.infinite(x))) stop("an infinite value has no JSON form")
  ifelse(is.na(x), "null", sprintf("%.17g", x))
}
arr <- function(x) paste0("[", paste(x, collapse = ","), "]")
str <- function(x) paste0('"', gsub('(["\\\\])', "\\\\\\1", x), '"')
obj <- function(x) {
  paste0("{", paste0(str(names(x)), ":", unlist(x), collapse = ",\n"), "}")
}

# The calls are run from the very text that is stored. toler.chol has to be
# below eps, or coxph.control warns.
fit_call <- function(right) {
  paste0(
    "coxph(Surv(time, event) ~ ", right, ', data = data, ties = "efron", ',
    "control = coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15))"
  )
}
survfit_call <- function(newdata, start) {
  paste0(
    "survfit(fit", newdata, ', conf.type = "log-log", conf.int = 0.95', start, ")"
  )
}
work <- new.env() # holds data, fit and patients
run <- function(text) eval(parse(text = text), work)

# survfit keeps the deaths at exactly start.time, whereas survival conditional
# on being alive after time s must not count them. All times are whole days, so
# start.time = s + 0.5 drops everything up to and including s and nothing else.
one_curve <- function(s, names, newdata) {
  start <- if (s > 0) sprintf(", start.time = %.1f", s + 0.5) else ""
  text <- survfit_call(newdata, start)
  curve <- run(text)
  keep <- curve$n.event > 0
  values <- function(i) {
    column <- function(x) arr(num(as.matrix(x)[keep, i]))
    obj(lapply(unclass(curve)[c("surv", "lower", "upper")], column))
  }
  curves <- lapply(seq_along(names), values)
  obj(list(
    s = num(s), call = str(text), time = arr(num(curve$time[keep])),
    curves = obj(setNames(curves, names))
  ))
}

# s = 0: no conditioning. Then per data set a day with tied deaths and censored
# patients, and a day without a death.
starts <- list(gbsg2 = c(0, 855, 1000), veterans = c(0, 25, 60))

one_set <- function(name) {
  work$data <- read.csv(file.path(args[1], paste0(name, ".csv")))
  covariates <- setdiff(names(work$data), c("time", "event"))

  text <- fit_call(paste(covariates, collapse = " + "))
  work$fit <- run(text)
  # The patients of the data at ranks 5 %, 50 % and 95 % of the linear predictor.
  rank <- ceiling(c(0.05, 0.5, 0.95) * nrow(work$data))
  work$patients <- work$data[order(work$fit$linear.predictors)[rank], covariates]
  rownames(work$patients) <- c("low", "middle", "high")
  rows <- function(m) lapply(seq_len(nrow(m)), function(i) arr(num(unlist(m[i, ]))))
  cox <- obj(list(
    call = str(text),
    coefficients = arr(num(coef(work$fit))),
    vcov = arr(rows(vcov(work$fit))),
    patients = obj(setNames(rows(work$patients), rownames(work$patients))),
    survfit = arr(lapply(
      starts[[name]], one_curve, rownames(work$patients), ", newdata = patients"
    ))
  ))

  text <- fit_call("1")
  work$fit <- run(text)
  no_covariates <- obj(list(
    call = str(text),
    survfit = arr(lapply(starts[[name]], one_curve, "all", ""))
  ))

  obj(list(
    n = nrow(work$data), events = sum(work$data$event),
    covariates = arr(str(covariates)),
    cox = cox, no_covariates = no_covariates
  ))
}

writeLines(obj(list(
  R = str(R.version.string),
  survival = str(packageDescription("survival")$Version),
  z = num(qnorm(0.975)),
  data = obj(sapply(names(starts), one_set, simplify = FALSE))
)), output)
