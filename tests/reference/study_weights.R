# Weights of studies by metafor's rma and rma.mv, and means of studies by aggregate:  Rscript study_weights.R > study_weights.json
# The tables are simulated here.
suppressMessages(library(metafor))
set.seed(20261128)
simulated <- function(studies, most_groups, most_effects, tau) {
  groups <- rep(seq_len(studies), sample(seq_len(most_groups), studies, TRUE))
  group <- rep(seq_along(groups), sample(seq_len(most_effects), length(groups), TRUE))
  study <- groups[group]
  k <- length(group)
  vi <- signif(.02 + rexp(k, 4), 6)
  theta <- .4 + rnorm(studies, 0, tau[1])[study] + rnorm(length(groups), 0, tau[2])[group] + rnorm(k, 0, tau[3])
  data.frame(study = study, group = group, effect = seq_len(k), yi = round(theta + rnorm(k, 0, sqrt(vi)), 6), vi = vi)
}
errors_of <- function(dat, rho) {
  V <- rho * outer(dat$group, dat$group, "==") * sqrt(outer(dat$vi, dat$vi))
  diag(V) <- dat$vi
  V
}
case <- function(name, dat, levels, rho = 0) {
  V <- errors_of(dat, rho)
  if (identical(levels, "single")) {
    fit <- rma(yi, vi, data = dat, method = "REML", control = list(threshold = 1e-12))
    tau <- sqrt(fit$tau2)
    levels <- "study"
  } else {
    random <- lapply(levels, function(level) as.formula(paste("~ 1 |", level)))
    for (rel.tol in 10^-(12:8)) { # as tight as the optimiser will go
      control <- list(rel.tol = rel.tol, eval.max = 2000, iter.max = 2000)
      fit <- try(rma.mv(yi, V, random = random, data = dat, method = "REML", control = control), silent = TRUE)
      if (!inherits(fit, "try-error")) break
    }
    tau <- sqrt(fit$sigma2)
  }
  means <- aggregate(escalc(yi = yi, vi = vi, data = dat), cluster = study, V = V)
  list(
    name = name, levels = I(levels), rho = rho, tau = I(tau), data = as.list(dat),
    weight = unname(weights(fit, type = if (inherits(fit, "rma.mv")) "rowsum" else "diagonal")), beta = c(fit$beta),
    study = list(study = means$study, yi = as.numeric(means$yi), vi = means$vi)
  )
}
cases <- list(
  case("single level", simulated(12, 1, 1, c(.5, 0, 0)), "single"),
  case("three levels", simulated(14, 3, 1, c(.5, .4, 0)), c("study", "group")),
  case("groups of effects, rho", simulated(12, 2, 3, c(.5, .4, 0)), c("study", "group"), .6),
  case("four levels", simulated(12, 2, 3, c(.5, .3, .3)), c("study", "group", "effect")),
  case("four levels, rho", simulated(12, 2, 3, c(.5, .3, .3)), c("study", "group", "effect"), .4)
)
about <- list(script = "tests/reference/study_weights.R", metafor = as.character(packageVersion("metafor")), R = R.version.string)
json <- function(x) jsonlite::toJSON(x, digits = NA, auto_unbox = TRUE)
cat("{\"about\":", json(about), ",\n\"cases\":[\n", paste(sapply(cases, json), collapse = ",\n"), "]}\n", sep = "")
