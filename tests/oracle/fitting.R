# Reference values of strata, delayed entry, weights, ridge, segments and cox.zph: see README.md.
library(survival)
folder <- commandArgs(TRUE)[1]
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
g <- read("gbsg2"); n <- nrow(g)
g$row <- seq_len(n); g$entry <- ifelse(g$row %% 3 == 0, 0.3 * g$time, 0); g$weight <- 1 + (g$row %% 3)
x <- c("age", "log1p_pnodes", "log1p_progrec", "tsize", "horTh")
f <- function(left, right = "") as.formula(paste(left, "~", paste(x, collapse = "+"), right))
num <- function(v) as.numeric(v)
fit_of <- function(m) list(coef = num(coef(m)), var = unname(m$var), loglik = num(m$loglik))
at <- c(200, 600, 1200, 2000)
patient <- g[1, ]; patient$age <- 50; patient$tsize <- 30
curve <- function(m, new) { s <- summary(survfit(m, newdata = new, conf.type = "log-log"), times = at, extend = TRUE)
  list(surv = num(s$surv), lower = num(s$lower), upper = num(s$upper)) }
out <- list(times = at, patient = as.list(patient[x]))
m <- coxph(f("Surv(time, event)", "+ strata(menostat)"), g, ties = "efron")
out$strata <- c(fit_of(m), list(curves = lapply(0:1, function(k) { p <- patient; p$menostat <- k; curve(m, p) })))
z <- cox.zph(m); out$strata$zph <- unname(z$table)
m <- coxph(f("Surv(entry, time, event)"), g, ties = "efron")
out$entry <- c(fit_of(m), curve(m, patient), list(zph = unname(cox.zph(m)$table)))
m <- coxph(f("Surv(time, event)"), g, weights = weight, ties = "efron")
w <- survfit(m, newdata = patient, conf.type = "none"); s <- summary(w, times = at, extend = TRUE)
out$weights <- c(fit_of(m), list(surv = num(s$surv)))
m <- coxph(f("Surv(time, event)"), g, ties = "efron")
out$plain <- c(fit_of(m), list(zph = unname(cox.zph(m)$table)))
m <- coxph(Surv(time, event) ~ ridge(age, log1p_pnodes, log1p_progrec, tsize, horTh, theta = 20, scale = FALSE), g,
  ties = "efron", control = coxph.control(eps = 1e-14, iter.max = 100, toler.inf = 1e-12))
out$ridge <- list(coef = num(coef(m)), var = unname(m$var), var2 = unname(m$var2), df = num(m$df))
cuts <- c(400, 900)
long <- survSplit(Surv(time, event) ~ ., g, cut = cuts, episode = "seg", start = "start")
m <- coxph(Surv(start, time, event) ~ age + log1p_pnodes:strata(seg) + log1p_progrec + tsize + horTh, long, ties = "efron")
m <- coxph(Surv(start, time, event) ~ age + I(log1p_pnodes * (seg == 1)) + I(log1p_pnodes * (seg == 2)) +
  I(log1p_pnodes * (seg == 3)) + log1p_progrec + tsize + horTh, long, ties = "efron")
pl <- patient[rep(1, 3), ]; pl$start <- c(0, cuts); pl$time <- c(cuts, 3000); pl$seg <- 1:3; pl$id <- 1
s <- summary(survfit(m, newdata = pl, id = id), times = at, extend = TRUE)
out$segments <- c(fit_of(m), list(surv = num(s$surv)))
v <- read("veterans")
m <- coxph(Surv(time, event) ~ karnofsky + log_months + treatment_test + cell_smallcell + cell_squamous + cell_large + prior + age, v, ties = "efron")
out$veterans <- c(fit_of(m), list(zph = unname(cox.zph(m)$table)))
# Concordance and calibration of that linear predictor, rounded so that ties occur.
lp <- round(as.numeric(predict(coxph(f("Surv(time, event)"), g), type = "lp", reference = "zero")), 1); g$lp <- lp
cc <- concordance(Surv(time, event) ~ lp, g, reverse = TRUE); ce <- concordance(Surv(entry, time, event) ~ lp, g, reverse = TRUE)
out$concordance <- list(lp = lp, c = num(cc$concordance), var = num(cc$var), entry_c = num(ce$concordance), entry_var = num(ce$var))
m <- coxph(Surv(time, event) ~ lp, g, ties = "efron"); out$slope <- fit_of(m)
k <- summary(survfit(Surv(time, event) ~ 1, g, conf.type = "log-log"), times = at)
out$km <- list(surv = num(k$surv), lower = num(k$lower), upper = num(k$upper))
json <- function(v) if (is.list(v)) { body <- vapply(v, json, ""); if (is.null(names(v))) paste0("[", paste(body, collapse = ", "), "]") else
  paste0("{", paste0("\"", names(v), "\": ", body, collapse = ", "), "}") } else if (is.matrix(v)) json(lapply(seq_len(nrow(v)), function(i) v[i, ])) else
  paste0("[", paste(formatC(v, digits = 17, format = "g"), collapse = ", "), "]")
writeLines(json(out), file.path("tests", "oracle", "fitting.json"))
