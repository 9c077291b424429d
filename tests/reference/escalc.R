# Effect sizes by metafor's escalc on seeded random inputs:  Rscript escalc.R > escalc.json
# metafor 3.8 has older variances of SMDH, SMD1H, SMCRH, PCOR and ZPCOR, and no SMCRP, SMCRPH, ZSPCOR, ZPB, ZBIS,
# R2, ZR2, CLES, AUC, HR and no r for partial correlations: all are brought to the formulas of metafor 4.6 below.
suppressMessages(library(metafor))
set.seed(20240607)
k <- 60
exact_J <- metafor:::.cmicalc

two_groups <- function() {
  n <- c(2, 3, 4, 5, 7, 10, 20, 50, 100, 150)
  list(
    m1i = round(rnorm(k, 5, 3), 3), sd1i = round(exp(rnorm(k)), 3), n1i = sample(n, k, TRUE),
    m2i = round(rnorm(k, 5, 3), 3), sd2i = round(exp(rnorm(k)), 3), n2i = sample(n, k, TRUE)
  )
}
fractional <- function() {
  x <- two_groups()
  x$n1i <- 2 + round(rexp(k, 1 / 10), 3)
  x$n2i <- 2 + sample(20, k, TRUE) / sample(3, k, TRUE)
  x
}
extreme <- function() {
  x <- two_groups()
  x$m1i <- round(rnorm(k, 0, 300), 3)
  x
}
positive <- function() {
  x <- two_groups()
  x$m1i <- abs(x$m1i) + 0.1
  x$m2i <- abs(x$m2i) + 0.1
  x
}
two_occasions <- function() {
  x <- two_groups()
  c(x[c("m1i", "sd1i", "m2i", "sd2i")], list(ri = round(runif(k, -0.99, 0.99), 3), ni = x$n1i + 1))
}
tables <- function() {
  x <- lapply(1:4, function(i) rpois(k, 3))
  x[[1]][1:5] <- 0
  x[[2]][4:6] <- 0
  x[[4]][6:9] <- 0
  names(x) <- c("ai", "bi", "ci", "di")
  x
}

case <- function(measure, x, vtype = "LS", by = x) {
  found <- do.call(escalc, c(list(measure = measure, vtype = vtype), by))
  list(measure = measure, vtype = vtype, columns = x, yi = as.numeric(found$yi), vi = as.numeric(found$vi))
}
smdh <- function(x) {
  found <- case("SMDH", x)
  if (packageVersion("metafor") < "4.6") found$vi <- found$vi / exact_J(x$n1i + x$n2i - 2)^2
  found
}
smcrp <- function(x) {
  if (packageVersion("metafor") >= "4.6") return(case("SMCRP", x))
  yi <- with(x, exact_J(2 * (ni - 1) / (1 + ri^2)) * (m1i - m2i) / sqrt((sd1i^2 + sd2i^2) / 2))
  vi <- with(x, 2 * (1 - ri) / ni + yi^2 * (1 + ri^2) / (4 * ni))
  list(measure = "SMCRP", vtype = "LS", columns = x, yi = yi, vi = vi)
}
smcc_t <- function() {
  x <- list(ti = round(rnorm(k, 0, 5), 3), ni = sample(3:80, k, TRUE))
  change <- list(m1i = x$ti / sqrt(x$ni), m2i = 0 * x$ti, sd1i = 1 + 0 * x$ti, sd2i = 0 * x$ti, ri = 0 * x$ti)
  case("SMCC", x, by = c(change, x["ni"]))
}
or_n <- function() {
  x <- tables()
  case("OR", list(ai = x$ai, n1i = x$ai + x$bi, ci = x$ci, n2i = x$ci + x$di), by = x)
}

test_of_two <- function(named, vtype) {
  x <- list(ti = round(rnorm(k, 0, 3), 3), n1i = sample(2:80, k, TRUE), n2i = sample(3:80, k, TRUE))
  df <- x$n1i + x$n2i - 2
  own <- switch(named, ti = x$ti, fi = sign(x$ti) * x$ti^2, pi = sign(x$ti) * 2 * pt(-abs(x$ti), df))
  case("SMD", c(setNames(list(own), named), x[c("n1i", "n2i")]), vtype, by = x)
}
risk_n <- function(measure) {
  x <- tables()
  case(measure, list(ai = x$ai, n1i = x$ai + x$bi, ci = x$ci, n2i = x$ci + x$di), by = x)
}


# the measures that were added later, on fewer rows; every form of every measure has a case
finite <- function(found) {
  known <- is.finite(found$yi) & is.finite(found$vi)
  found$columns <- lapply(found$columns, `[`, known)
  found$yi <- found$yi[known]
  found$vi <- found$vi[known]
  found
}
later <- packageVersion("metafor") >= "4.6"
by_formula <- function(measure, x, yi, vi) list(measure = measure, vtype = "LS", columns = x, yi = yi, vi = vi)
sized <- function(x) list(ai = x$ai, n1i = x$ai + x$bi, ci = x$ci, n2i = x$ci + x$di)
of_counts <- function(measure) {
  x <- tables()
  if (measure == "PHI") x <- lapply(x, function(count) count + 1)
  list(case(measure, x), case(measure, sized(x), by = x))
}
of_pairs <- function(measure) list(case(measure, tables()))
of_rates <- function(measure) {
  x <- list(x1i = rpois(k, 3), t1i = round(rexp(k, 1 / 100) + 1, 2), x2i = rpois(k, 3), t2i = round(rexp(k, 1 / 100) + 1, 2))
  list(case(measure, x))
}
of_a_rate <- function(measure) list(case(measure, list(xi = rpois(k, 3), ti = round(rexp(k, 1 / 100) + 1, 2))))
of_a_proportion <- function(measure) {
  x <- list(xi = rpois(k, 2), mi = rpois(k, 4) + 1)
  list(case(measure, x), case(measure, list(xi = x$xi, ni = x$xi + x$mi), by = x))
}
one_group <- function() list(mi = round(rexp(k, 1 / 5) + 0.1, 3), sdi = round(exp(rnorm(k)), 3), ni = sample(2:150, k, TRUE))
positive_occasions <- function() {
  x <- two_occasions()
  x$m1i <- abs(x$m1i) + 0.1
  x$m2i <- abs(x$m2i) + 0.1
  x
}
of_d <- function(measure, base = measure, by = identity) {
  sizes <- list(n1i = sample(3:80, k, TRUE), n2i = sample(3:80, k, TRUE))
  t <- round(rnorm(k, 0, 2), 3)
  df <- sizes$n1i + sizes$n2i - 2
  d <- c(list(m1i = t * sqrt(1 / sizes$n1i + 1 / sizes$n2i), m2i = 0 * t, sd1i = 1 + 0 * t, sd2i = 1 + 0 * t), sizes)
  given <- list(ti = t, fi = sign(t) * t^2, pi = sign(t) * 2 * pt(-abs(t), df))
  from <- function(x, by_columns) { found <- by(case(base, x, by = by_columns)); found$measure <- measure; found }
  groups <- two_groups()
  groups$n1i <- groups$n1i + 3
  groups$n2i <- groups$n2i + 3
  c(list(from(groups, groups)), lapply(names(given), function(name) from(c(given[name], sizes), d)))
}
to_z <- function(found) {
  found$vi <- found$vi / (1 - found$yi^2)^2
  found$yi <- atanh(found$yi)
  found
}
of_r <- function(measure) {
  r <- round(runif(k, -0.99, 0.99), 3)
  n <- sample(5:200, k, TRUE)
  list(case(measure, list(ri = r, ni = n)), case(measure, list(ti = r * sqrt(n - 2) / sqrt(1 - r^2), ni = n), by = list(ri = r, ni = n)))
}
zcor_t <- function() {
  n <- sample(5:200, k, TRUE)
  t <- round(rnorm(k, 0, 2), 3)
  case("ZCOR", list(ti = t, ni = n), by = list(ri = t / sqrt(t^2 + n - 2), ni = n))
}
partial <- function() {
  m <- sample(1:8, k, TRUE)
  n <- m + sample(4:90, k, TRUE)
  t <- round(rnorm(k, 0, 2), 3)
  list(t = list(ti = t, mi = m, ni = n), r = list(ri = t / sqrt(t^2 + n - m - 1), mi = m, ni = n))
}
pcor <- function() {
  x <- partial()
  found <- case("PCOR", x$t)
  if (!later) found$vi <- found$vi * (x$t$ni - x$t$mi - 1) / (x$t$ni - x$t$mi)
  list(found, modifyList(found, list(columns = NULL)) |> c(list(columns = x$r)))
}
zpcor <- function() {
  x <- partial()
  found <- case("ZPCOR", x$t)
  if (!later) found$vi <- found$vi * (x$t$ni - x$t$mi - 1) / (x$t$ni - x$t$mi - 2)
  list(found, modifyList(found, list(columns = NULL)) |> c(list(columns = x$r)))
}
spcor <- function(measure) {
  x <- partial()$t
  x$r2i <- round(runif(k, 0.4, 0.9), 3)
  x$ti <- round(runif(k, -0.5, 0.5) * sqrt(x$ni - x$mi - 1) / sqrt(1 - x$r2i), 3)
  found <- case("SPCOR", x)
  if (measure == "ZSPCOR") found <- to_z(found)
  found$measure <- measure
  r <- c(list(ri = x$ti * sqrt(1 - x$r2i) / sqrt(x$ni - x$mi - 1)), x[c("mi", "ni", "r2i")])
  list(found, modifyList(found, list(columns = NULL)) |> c(list(columns = r)))
}
r_squared <- function(measure) {
  x <- list(r2i = round(runif(k, 0.01, 0.95), 3), mi = sample(1:8, k, TRUE), ni = sample(12:200, k, TRUE))
  yi <- if (measure == "R2") x$r2i else atanh(sqrt(x$r2i))
  vi <- if (measure == "R2") 4 * x$r2i * (1 - x$r2i)^2 / x$ni else 1 / x$ni
  f <- list(fi = x$r2i / (1 - x$r2i) * (x$ni - x$mi - 1) / x$mi, mi = x$mi, ni = x$ni)
  list(by_formula(measure, x, yi, vi), by_formula(measure, f, yi, vi))
}
smd1h <- function() {
  x <- two_groups()
  found <- case("SMD1H", x)
  if (!later) found$vi <- (x$sd1i^2 / x$sd2i^2) / (x$n1i - 1) + 1 / (x$n2i - 1) + found$yi^2 / (2 * (x$n2i - 1))
  found
}
smcrh <- function() {
  x <- two_occasions()
  found <- case("SMCRH", x)
  if (!later) found$vi <- found$vi / exact_J(x$ni - 1)^2
  found
}
smcrph <- function() {
  x <- two_occasions()
  s2 <- (x$sd1i^2 + x$sd2i^2) / 2
  yi <- with(x, exact_J(2 * (ni - 1) / (1 + ri^2)) * (m1i - m2i) / sqrt(s2))
  change <- with(x, sd1i^2 + sd2i^2 - 2 * ri * sd1i * sd2i)
  vi <- with(x, change / (s2 * (ni - 1)) + yi^2 * (sd1i^4 + sd2i^4 + 2 * ri^2 * sd1i^2 * sd2i^2) / (8 * s2^2 * (ni - 1)))
  by_formula("SMCRPH", x, yi, vi)
}
probability <- function(measure) {
  x <- list(ai = round(runif(k, 0.05, 0.95), 3), n1i = sample(3:80, k, TRUE), n2i = sample(3:80, k, TRUE))
  n <- (x$n1i + x$n2i) / 2
  vi <- with(x, ai * (1 - ai) / ((n1i - 1) * (n2i - 1)) * (2 * n - 1 - (3 * n - 3) / ((2 - ai) * (1 + ai))))
  by_formula(measure, x, x$ai, vi)
}
hazard_ratio <- function() {
  yi <- rnorm(k, 0, 0.5)
  half <- rexp(k, 3) + 0.05
  x <- list(hri = exp(yi), hri_lb = exp(yi - half), hri_ub = exp(yi + half))
  by_formula("HR", x, log(x$hri), ((log(x$hri_ub) - log(x$hri_lb)) / (2 * qnorm(0.975)))^2)
}
of_alpha <- function(measure) case(measure, list(ai = round(runif(k, -0.2, 0.98), 3), mi = sample(2:40, k, TRUE), ni = sample(4:300, k, TRUE)))
every <- function(measures, make) do.call(c, lapply(measures, make))

cases <- list(
  case("SMD", two_groups()), case("SMD", fractional()), case("SMD", extreme()),
  case("SMD", two_groups(), "UB"), case("SMD", fractional(), "UB"), case("SMD", extreme(), "UB"),
  smdh(two_groups()), smdh(fractional()), smdh(extreme()),
  case("MD", two_groups()), case("MD", extreme()), case("ROM", positive()),
  case("ZCOR", list(ri = round(runif(k, -0.999, 0.999), 3), ni = sample(4:200, k, TRUE))),
  case("OR", tables()), or_n(),
  case("SMCC", two_occasions()), smcc_t(), smcrp(two_occasions()),
  test_of_two("ti", "LS"), test_of_two("fi", "LS"), test_of_two("pi", "LS"),
  test_of_two("ti", "UB"), test_of_two("fi", "UB"), test_of_two("pi", "UB"),
  case("RR", tables()), risk_n("RR"), case("RD", tables()), risk_n("RD")
)
k <- 20
cases <- c(cases, lapply(c(
  every(c("PETO", "AS", "PHI", "YUQ", "YUY", "OR2D", "OR2DL", "OR2DN"), of_counts),
  every(c("MPRR", "MPOR", "MPORC", "MPPETO", "MPRD"), of_pairs),
  every(c("IRR", "IRD", "IRSD"), of_rates), every(c("IR", "IRLN", "IRS"), of_a_rate),
  every(c("PLO", "PR", "PLN", "PAS", "PFT"), of_a_proportion),
  list(case("MN", one_group()), case("MNLN", one_group()), case("SMN", one_group()), case("CVLN", one_group())),
  list(case("SDLN", one_group()[c("sdi", "ni")])),
  list(case("SMD1", two_groups()[c("m1i", "n1i", "m2i", "sd2i", "n2i")]), smd1h()),
  list(case("VR", two_groups()[c("sd1i", "n1i", "sd2i", "n2i")]), case("CVR", positive())),
  list(case("MC", two_occasions()), case("SMCR", two_occasions()[c("m1i", "sd1i", "m2i", "ri", "ni")]), smcrh(), smcrph()),
  list(case("ROMC", positive_occasions()), case("VRC", two_occasions()[c("sd1i", "sd2i", "ri", "ni")]), case("CVRC", positive_occasions())),
  every(c("COR", "UCOR"), of_r), list(zcor_t()), pcor(), zpcor(), spcor("SPCOR"), spcor("ZSPCOR"), r_squared("R2"), r_squared("ZR2"),
  every(c("RPB", "RBIS", "D2OR", "D2ORL", "D2ORN"), of_d), of_d("ZPB", "RPB", to_z), of_d("ZBIS", "RBIS", to_z),
  list(probability("CLES"), probability("AUC"), hazard_ratio()), lapply(c("ARAW", "AHW", "ABT"), of_alpha),
  of_counts("PBIT"), list(case("MPORM", c(tables(), list(ri = round(runif(k, -0.4, 0.9), 3)))))
), finite))

json <- function(x) {
  if (is.list(x)) return(sprintf("{%s}", toString(sprintf('"%s": %s', names(x), sapply(x, json)))))
  if (is.character(x)) return(sprintf('"%s"', x))
  sprintf("[%s]", toString(sprintf("%.17g", x)))
}
cat(sprintf('{"R": "%s", "metafor": "%s",\n "cases": [\n', getRversion(), packageVersion("metafor")))
cat(paste(sapply(cases, json), collapse = ",\n"), "\n]}\n")
