# Multilevel models by metafor's rma.mv, cluster-robust tests by clubSandwich:  Rscript rma_mv.R TABLE.csv > rma_mv.json
# TABLE.csv is the table that R made of the TRACE record (a row per effect); only numbers of fits leave this script.
suppressMessages({
  library(metafor)
  library(clubSandwich)
})
set.seed(20240607)
sets <- read.csv(commandArgs(TRUE)[1], colClasses = c(PMID = "character", new.idPTSD = "character"))
sets <- transform(sets[sets$in_calibrated, ],
  study = PMID, group = new.idPTSD, effect = effect_id, cell = paste(valence.label, phase.label, sep = ":")
)
human <- subset(sets, species == "human" & comparison != "B")
well_known <- names(which(tapply(human$study, human$cell, function(s) length(unique(s))) >= 4))
clinical <- subset(human, cell %in% well_known)
preclinical <- subset(sets, species != "human")

design_of <- function(dat, mods) {
  X <- model.matrix(mods, dat)
  colnames(X) <- sub("^\\(Intercept\\)$", "intercept", sub("^cell", "", colnames(X)))
  X[, colSums(X != 0) > 0, drop = FALSE]
}
errors_of <- function(dat, rho) {
  if (rho == 0) return(dat$vi)
  V <- rho * outer(dat$group, dat$group, "==") * sqrt(outer(dat$vi, dat$vi))
  diag(V) <- dat$vi
  V
}
random_of <- function(levels) lapply(levels, function(level) as.formula(paste("~ 1 |", level)))
model_of <- function(dat, mods, levels, rho, method, ..., tolerances = 10^-(14:9)) {
  X <- design_of(dat, mods)
  V <- errors_of(dat, rho)
  fitted <- function(rel.tol) {
    rma.mv(yi, V, mods = X, intercept = FALSE, random = random_of(levels), data = dat, method = method,
      sparse = nrow(dat) > 100, control = list(rel.tol = rel.tol, eval.max = 2000, iter.max = 2000), ...)
  }
  # as tight as the optimiser will go
  for (rel.tol in tolerances) {
    fit <- try(fitted(rel.tol), silent = TRUE)
    if (!inherits(fit, "try-error")) return(fit)
  }
  stop(fit)
}
i2_of <- function(fit) {
  W <- solve(as.matrix(fit$V))
  P <- W - W %*% fit$X %*% solve(t(fit$X) %*% W %*% fit$X) %*% t(fit$X) %*% W
  100 * fit$sigma2 / (sum(fit$sigma2) + (fit$k - fit$p) / sum(diag(P)))
}
# metafor refits at every point: with the tightest tolerance some of these refits fail
profiled <- function(dat, mods, levels, rho, method) {
  fit <- model_of(dat, mods, levels, rho, method, tolerances = 1e-10)
  bounds <- sapply(seq_along(levels), function(i) {
    bound <- confint(fit, sigma2 = i, control = list(tol = 1e-8))
    bound$random[2, 2:3]
  })
  list(lb = bounds[1, ], ub = bounds[2, ])
}
# each term minus the one before it
contrasts_of <- function(p) if (p < 2) NULL else t(sapply(1:(p - 1), function(i) replace(numeric(p), c(i, i + 1), c(-1, 1))))
robust_of <- function(fit, dat) {
  V <- vcovCR(fit, cluster = dat$study, type = "CR2")
  tests <- coef_test(fit, vcov = V, test = "Satterthwaite")
  cr2 <- list(se = tests$SE, df = tests$df, tval = tests$tstat, pval = tests$p_Satt)
  if (fit$p > 1) {
    pairs <- linear_contrast(fit, vcov = V, contrasts = contrasts_of(fit$p), test = "Satterthwaite")
    cr2$contrasts <- list(est = pairs$Est, se = pairs$SE, df = pairs$df)
  }
  cr2
}
tested <- function(dat, mods, levels, rho, method, dfs) {
  fit <- model_of(dat, mods, levels, rho, method, test = "t", dfs = dfs)
  QM <- list(ddf = fit$ddf, pval = fit$pval, lb = fit$ci.lb, ub = fit$ci.ub, QM = fit$QM, QMdf = fit$QMdf, QMp = fit$QMp)
  if (fit$p > 1) {
    pairs <- anova(fit, X = contrasts_of(fit$p))
    QM$contrasts <- list(est = c(pairs$Xb), se = c(pairs$se), ddf = pairs$ddf, pval = c(pairs$pval))
  }
  QM
}
case <- function(name, dat, mods, levels, rho = 0, method = "REML", full = TRUE, input = NULL) {
  message(name)
  fit <- model_of(dat, mods, levels, rho, method)
  out <- list(
    name = name, levels = levels, rho = rho, method = method, k = fit$k, terms = sub("intrcpt", "intercept", colnames(fit$X)),
    sigma2 = fit$sigma2, beta = c(fit$beta), se = fit$se, zval = fit$zval, pval = fit$pval, lb = fit$ci.lb, ub = fit$ci.ub,
    QE = fit$QE, QEp = fit$QEp, QM = fit$QM, QMdf = fit$QMdf[1], QMp = fit$QMp,
    logLik = as.numeric(logLik(fit)), i2 = i2_of(fit)
  )
  if (full) {
    out$profile <- profiled(dat, mods, levels, rho, method)
    out$cr2 <- robust_of(fit, dat)
    out$t <- tested(dat, mods, levels, rho, method, "residual")
    out$contain <- tested(dat, mods, levels, rho, method, "contain")
  }
  if (!is.null(input)) out$input <- input
  for (many in c("levels", "terms", "sigma2", "beta", "se", "zval", "pval", "lb", "ub", "i2")) out[[many]] <- I(out[[many]])
  out
}
simulated <- function(name, studies, tau, ..., mods = ~ x + z, equal = FALSE) {
  groups <- rep(seq_len(studies), sample(1:3, studies, TRUE))
  group <- rep(seq_along(groups), sample(1:4, length(groups), TRUE))
  study <- groups[group]
  k <- length(group)
  vi <- if (equal) rep(.2, k) else signif(.02 + rexp(k, 4), 6)
  x <- round(rnorm(studies), 4)[study]
  z <- round(rnorm(k), 4)
  theta <- .4 + .3 * x + rnorm(studies, 0, tau[1])[study] + rnorm(length(groups), 0, tau[2])[group] + rnorm(k, 0, tau[3])
  dat <- data.frame(
    study = paste0("s", study), group = paste0("g", group), effect = paste0("e", seq_len(k)),
    yi = round(theta + rnorm(k, 0, sqrt(vi)), 6), vi = vi, x = x, z = z
  )
  case(name, dat, mods, ..., input = c(as.list(dat), formula = as.character(mods)[2]))
}
cells <- ~ 0 + cell
nested <- c("study", "group")
all_levels <- c("study", "group", "effect")
comparison <- function(letter) {
  rows <- subset(sets, comparison == letter)
  case(paste("comparison", letter), rows, cells, nested, full = letter %in% c("A", "F"))
}
real <- c(
  list(
    case("preclinical", preclinical, cells, nested),
    case("preclinical ML", preclinical, cells, nested, method = "ML", full = FALSE),
    case("preclinical rho", preclinical, cells, nested, rho = .6, full = FALSE),
    case("preclinical four levels", preclinical, cells, all_levels, full = FALSE),
    case("preclinical four levels rho", preclinical, cells, all_levels, rho = .6, full = FALSE),
    case("preclinical one term", preclinical, ~1, nested, full = FALSE),
    case("clinical", clinical, cells, nested),
    case("clinical ML", clinical, cells, nested, method = "ML", full = FALSE),
    case("clinical rho", clinical, cells, nested, rho = .6, full = FALSE),
    case("clinical four levels", clinical, cells, all_levels),
    case("clinical four levels rho", clinical, cells, all_levels, rho = .6, full = FALSE)
  ),
  lapply(c("A", "C", "D", "E", "F"), comparison)
)
small <- list(
  simulated("three levels", 12, c(.6, .4, 0), nested),
  simulated("four levels", 14, c(.6, .4, .3), all_levels),
  simulated("ML", 12, c(.6, .4, .2), all_levels, method = "ML"),
  simulated("rho", 12, c(.5, .4, 0), nested, rho = .6),
  simulated("rho, four levels", 14, c(.5, .4, .4), all_levels, rho = .6),
  simulated("no study variance", 10, c(0, .7, 0), nested),
  simulated("no group variance", 10, c(.7, 0, 0), nested),
  simulated("no variance", 8, c(0, 0, 0), nested),
  simulated("no variance, four levels", 9, c(0, 0, 0), all_levels),
  simulated("study only", 10, c(.7, 0, 0), "study"),
  simulated("effect only", 10, c(0, 0, .7), "effect"),
  simulated("study and effect", 10, c(.5, 0, .5), c("study", "effect")),
  simulated("one term", 12, c(.6, .4, 0), nested, mods = ~1),
  simulated("no intercept", 12, c(.6, .4, 0), nested, mods = ~ 0 + x + z),
  simulated("equal variances", 10, c(.5, .3, 0), nested, equal = TRUE),
  simulated("few studies", 4, c(.5, .3, 0), nested, mods = ~x)
)
about <- list(
  script = "tests/reference/rma_mv.R", table = "trace_effects.csv, rows with in_calibrated", metafor = as.character(packageVersion("metafor")),
  clubSandwich = as.character(packageVersion("clubSandwich")), R = R.version.string,
  contrasts = "each term minus the one before it", profile = "confint, bounds of tau"
)
json <- function(x) jsonlite::toJSON(x, digits = NA, auto_unbox = TRUE)
lines <- function(cases) paste0("[\n", paste(sapply(cases, json), collapse = ",\n"), "]")
cat("{\"about\":", json(about), ",\n\"real\":", lines(real), ",\n\"small\":", lines(small), "}\n", sep = "")
