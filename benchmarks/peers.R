# Rscript peers.R metafor|brms effects.csv: the same three-level model in R; the last line printed is JSON.
arguments <- commandArgs(trailingOnly = TRUE)
effects <- read.csv(arguments[2], colClasses = c(study = "character", group = "character"))
effects$sei <- sqrt(effects$vi)

if (arguments[1] == "metafor") {
  suppressPackageStartupMessages(library(metafor))
  fit <- function(sparse, data = effects) {
    rma.mv(yi, vi, mods = ~ 0 + cell, random = list(~ 1 | group, ~ 1 | study), data = data, sparse = sparse)
  }
  seconds <- function(expr) unname(system.time(expr)["elapsed"])
  fit(TRUE)
  dense <- seconds(fit(FALSE))
  sparse <- median(replicate(3, seconds(fit(TRUE))))
  left_out <- head(unique(effects$study), 5)
  refits <- sapply(left_out, function(s) seconds(fit(TRUE, effects[effects$study != s, ])))
  cat(sprintf('{"version": "%s", "default": %.4f, "sparse": %.4f, "refit": %.4f}\n',
              packageVersion("metafor"), dense, sparse, median(refits)))
} else {
  suppressPackageStartupMessages(library(brms))
  # Debian's BH has no headers of its own: the system's Boost stands in for them
  if (system.file("include", "boost", package = "BH") == "") rstan::rstan_options(boost_lib = "/usr/include")
  begun <- proc.time()["elapsed"]
  fit <- brm(
    yi | se(sei) ~ 0 + cell + (1 | study) + (1 | group), data = effects, chains = 4, iter = 2000, warmup = 1000,
    cores = parallel::detectCores(), seed = 1, refresh = 0, silent = 2,
    prior = c(prior(normal(0, 1.5), class = b), prior(normal(0, 1), class = sd))
  )
  seconds <- proc.time()["elapsed"] - begun
  draws <- posterior::as_draws_array(fit, variable = c("^b_", "^sd_"), regex = TRUE)
  ess <- posterior::summarise_draws(draws, posterior::ess_bulk)$`posterior::ess_bulk`
  divergences <- sum(subset(nuts_params(fit), Parameter == "divergent__")$Value)
  cat(sprintf('{"version": "%s", "fit": %.2f, "ess": %.1f, "divergences": %d}\n',
              packageVersion("brms"), seconds, min(ess), as.integer(divergences)))
}
