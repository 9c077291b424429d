# Influence, Egger and fail-safe N by metafor on seeded simulated tables:  Rscript influence.R > influence.json
suppressMessages(library(metafor))
set.seed(20240611)
tight <- list(threshold = 1e-14, maxiter = 5000)

simulate <- function(tau, shift, lone = FALSE) {
  size <- sample(1:5, 14, TRUE)
  study <- rep(sprintf("s%02d", 1:14), size)
  group <- paste0(study, ".", unlist(lapply(size, function(n) (seq_len(n) + 1) %/% 2)))
  k <- length(study)
  cell <- sample(c("a", "b", "c"), k, TRUE)
  if (lone) cell[k] <- "d"
  n1 <- sample(5:60, k, TRUE)
  n2 <- sample(5:60, k, TRUE)
  vi <- round(1 / n1 + 1 / n2 + runif(k, 0, 0.05), 6)
  mean <- c(a = -0.5, b = 0.2, c = 0.8, d = 0)[cell]
  yi <- mean + tau * rnorm(14)[as.integer(factor(study))] + tau * rnorm(k) + rnorm(k, 0, sqrt(vi) * (if (tau > 0) 1 else 0.5))
  yi[3] <- yi[3] + shift
  data.frame(study, group, cell, n1, n2, yi = round(yi, 6), vi, stringsAsFactors = FALSE)
}

case <- function(name, x) {
  single <- rma(yi, vi, mods = ~ cell - 1, data = x, method = "REML", control = tight)
  found <- influence(single)
  egger <- regtest(single, predictor = "sei")
  sigma2 <- c(0.3, 0.1)
  nested <- suppressWarnings(rma.mv(yi, vi, mods = ~ cell - 1, random = list(~ 1 | study, ~ 1 | group), data = x, sigma2 = sigma2))
  deleted <- rstudent(nested, cluster = x$study, reestimate = FALSE)
  filed <- by(x, x$cell, function(part) fsn(yi, vi, data = part))
  list(
    name = name, table = as.list(x),
    single = list(beta = single$beta, se = single$se, tau2 = single$tau2, QE = single$QE),
    influence = c(unclass(found$inf)[c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")],
      list(influential = found$is.infl & !is.na(found$is.infl))),
    dfbetas = as.list(unname(as.data.frame(unclass(found$dfbs)[seq_len(single$p)]))),
    egger = list(slope = egger$fit$beta[egger$fit$p], se = egger$fit$se[egger$fit$p], zval = egger$zval, pval = egger$pval,
      tau2 = egger$fit$tau2, QE = egger$fit$QE),
    taus = list(study = sqrt(sigma2[1]), group = sqrt(sigma2[2])),
    residuals = list(resid = deleted$obs$resid, se = deleted$obs$se, z = deleted$obs$z),
    studies = list(study = deleted$cluster$slab, X2 = deleted$cluster$X2,
      cook.d = unname(cooks.distance(nested, cluster = x$study, reestimate = FALSE)[deleted$cluster$slab])),
    study_dfbetas = as.list(unname(dfbetas(nested, cluster = x$study, reestimate = FALSE)[deleted$cluster$slab, ])),
    fsn = list(cell = names(filed), fsnum = sapply(filed, function(f) f$fsnum), pval = sapply(filed, function(f) f$pval))
  )
}

json <- function(x) {
  if (is.list(x) && is.null(names(x))) return(sprintf("[%s]", toString(sapply(x, json))))
  if (is.list(x)) return(sprintf("{%s}", toString(sprintf('"%s": %s', names(x), sapply(x, json)))))
  if (is.logical(x)) text <- tolower(as.character(x))
  if (is.character(x)) text <- sprintf('"%s"', x)
  if (is.numeric(x)) text <- sprintf("%.15g", x)
  text[is.na(x)] <- "null"
  if (length(x) == 1) text else sprintf("[%s]", toString(text))
}
cases <- list(
  case("heterogeneous", simulate(0.4, 4)), case("boundary", simulate(0, 0)), case("lone effect of a cell", simulate(0.3, 3, TRUE))
)
cat(sprintf('{"R": "%s", "metafor": "%s",\n "cases": [\n', getRversion(), packageVersion("metafor")))
cat(paste(sapply(cases, json), collapse = ",\n"), "\n]}\n")
