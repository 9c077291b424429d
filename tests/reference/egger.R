# Egger's regression by metafor on the reference table, single-level and nested:  Rscript egger.R trace_effects.csv > egger.json
suppressMessages(library(metafor))
rows <- read.csv(commandArgs(TRUE)[1], colClasses = c(PMID = "character", new.idPTSD = "character"))
rows <- rows[rows$in_calibrated & rows$comparison != "B", ]
rows$cell <- paste(rows$valence, rows$phase)
rows$sei <- sqrt(rows$vi)
rows$size <- sqrt(1 / rows$nPTSD + 1 / rows$nHC)
human <- rows[rows$species == "human", ]
studies <- tapply(human$PMID, human$cell, function(x) length(unique(x)))
sets <- list(clinical = human[studies[human$cell] >= 4, ], preclinical = rows[rows$species != "human", ])

single <- function(x) {
  fit <- rma(yi, vi, mods = ~ cell - 1, data = x, control = list(threshold = 1e-13, maxiter = 5000))
  test <- regtest(fit, predictor = "sei")
  c(slope = test$fit$beta[test$fit$p], se = test$fit$se[test$fit$p], tau2 = test$fit$tau2, tau2_without = fit$tau2)
}
nested <- function(x, precision) {
  x$precision <- x[[precision]]
  fit <- rma.mv(yi, vi, mods = ~ cell + precision - 1, random = list(~ 1 | new.idPTSD, ~ 1 | PMID), data = x, sparse = TRUE,
    control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-14, maxit = 1000))
  c(slope = fit$beta[[fit$p]], se = fit$se[fit$p], tau2 = sum(fit$sigma2), QE = fit$QE, k = fit$k)
}
show <- function(x) sprintf("{%s}", toString(sprintf('"%s": %.12g', names(x), x)))
entry <- function(name) {
  x <- sets[[name]]
  sprintf('"%s": {"single": %s,\n  "sei": %s,\n  "sqrt(1/n1 + 1/n2)": %s}', name, show(single(x)), show(nested(x, "sei")), show(nested(x, "size")))
}
cat(sprintf('{"R": "%s", "metafor": "%s",\n %s}\n', getRversion(), packageVersion("metafor"), paste(sapply(names(sets), entry), collapse = ",\n ")))
