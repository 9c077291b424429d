# Effect sizes by metafor's escalc on seeded random inputs:  Rscript escalc.R > escalc.json
# metafor 3.8 has an older variance for SMDH and no SMCRP: both are brought to the formulas of 4.6 below.
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

json <- function(x) {
  if (is.list(x)) return(sprintf("{%s}", toString(sprintf('"%s": %s', names(x), sapply(x, json)))))
  if (is.character(x)) return(sprintf('"%s"', x))
  sprintf("[%s]", toString(sprintf("%.17g", x)))
}
cat(sprintf('{"R": "%s", "metafor": "%s",\n "cases": [\n', getRversion(), packageVersion("metafor")))
cat(paste(sapply(cases, json), collapse = ",\n"), "\n]}\n")
