# Trim and fill (L0, REML) by metafor:  Rscript trimfill.R > trimfill.json
suppressMessages({library(metafor); library(metadat); library(jsonlite)})
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
hackshaw <- dat.hackshaw1998
raudenbush <- dat.raudenbush1985
set.seed(3)
n <- round(exp(runif(60, log(15), log(300))))
vi <- round(4 / n, 5)
yi <- round(rnorm(60, 0.3, sqrt(0.05 + vi)), 5)
published <- yi / sqrt(vi) > 1 | runif(60) < 0.3
simulated <- data.frame(yi = yi[published], vi = vi[published])
tables <- list(bcg = bcg, hackshaw = hackshaw, raudenbush = raudenbush, simulated = simulated,
  mirrored = transform(simulated, yi = -yi))
entry <- function(x) {
  fit <- rma(yi, vi, data = x, method = "REML", control = list(threshold = 1e-12, maxiter = 1000))
  filled <- trimfill(fit, estimator = "L0")
  list(yi = as.numeric(x$yi), vi = as.numeric(x$vi), side = filled$side, k0 = filled$k0,
    before = c(fit$beta[1], fit$ci.lb, fit$ci.ub), after = c(filled$beta[1], filled$ci.lb, filled$ci.ub))
}
cat(toJSON(list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
  tables = lapply(tables, entry)), auto_unbox = TRUE, digits = 12))
