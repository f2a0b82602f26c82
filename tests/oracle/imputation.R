# Reference values of pooled estimates after multiple imputation, by R's mice: see README.md.
suppressMessages({library(survival); library(mice)})
g <- read.csv(file.path(commandArgs(TRUE)[1], "gbsg2.csv")); n <- nrow(g); row <- seq_len(n)
g$log1p_pnodes[(row * 7) %% 10 < 3] <- NA
g$horTh <- factor(g$horTh); g$horTh[(row * 11) %% 10 < 2 & g$age > 45] <- NA
g$hazard <- nelsonaalen(g, time, event)
d <- g[, c("age", "log1p_pnodes", "horTh", "event", "hazard", "time")]
ini <- mice(d, maxit = 0); pred <- ini$predictorMatrix; pred[, "time"] <- 0
imp <- mice(d, m = 400, maxit = 10, method = c("", "pmm", "logreg", "", "", ""), predictorMatrix = pred, seed = 1, printFlag = FALSE)
fits <- with(imp, coxph(Surv(time, event) ~ age + log1p_pnodes + horTh, ties = "efron"))
p <- pool(fits)$pooled
j <- function(v) paste0("[", paste(formatC(v, digits = 12, format = "g"), collapse = ", "), "]")
writeLines(paste0("{\"estimate\": ", j(p$estimate), ", \"within\": ", j(p$ubar), ", \"between\": ", j(p$b), "}"), file.path("tests", "oracle", "imputation.json"))
