# Writes selmodel.json, selection models with step functions and beta weights by maximum likelihood of tables that are made up here: Rscript selmodel.R selmodel.json
suppressMessages({library(metafor); library(jsonlite)})
published <- function(seed, k, mu, tau, omega) {
  set.seed(seed)
  vi <- runif(4 * k, .01, .15)
  yi <- rnorm(4 * k, mu, sqrt(tau^2 + vi))
  keep <- runif(4 * k) < omega[findInterval(pnorm(yi / sqrt(vi), lower.tail = FALSE), c(0, .025, .5))]
  data.frame(yi = round(yi, 4), vi = round(vi, 4))[keep, ][seq_len(k), ]
}
tables <- list(small = published(1, 40, .3, .3, c(1, .5, .3)), wide = published(2, 90, .2, .7, c(1, .3, .1)),
               even = published(3, 60, .4, .4, c(1, 1, 1)))
fits <- lapply(tables, function(table) {
  fit <- rma(yi, vi, data = table, method = "ML")
  selected <- selmodel(fit, type = "stepfun", alternative = "greater", steps = c(.025, .5))
  beta <- selmodel(fit, type = "beta", alternative = "greater")
  list(yi = table$yi, vi = table$vi, beta = as.numeric(selected$beta), se = as.numeric(selected$se), tau2 = selected$tau2,
       delta = as.numeric(selected$delta), gain = as.numeric(logLik(selected) - logLik(fit)),
       of_beta = list(beta = as.numeric(beta$beta), se = as.numeric(beta$se), tau2 = beta$tau2, delta = as.numeric(beta$delta),
                      gain = as.numeric(logLik(beta) - logLik(fit))))
})
write_json(list(metafor = as.character(packageVersion("metafor")), fits = fits), commandArgs(TRUE)[1], digits = 12, auto_unbox = TRUE)
