# Models of metadat's tables by metafor, with the columns that they need: Rscript structures.R > structures.json
suppressMessages({library(metafor); library(metadat); library(jsonlite)})

part <- function(name, data, fit, extra = list()) {
  found <- list(beta = as.numeric(fit$beta), se = fit$se, sigma2 = fit$sigma2, tau2 = fit$tau2,
                rho = fit$rho, loglik = as.numeric(logLik(fit)))
  c(list(name = name, columns = as.list(data), fit = found), extra)
}

newick <- function(tree) {
  n <- length(tree$tip.label)
  below <- split(tree$edge[, 2], tree$edge[, 1])
  tips <- function(i) if (i <= n) 1 else sum(sapply(below[[as.character(i)]], tips))
  height <- function(i) (tips(i) - 1) / (n - 1)  # Grafen's
  write <- function(i, above) {
    length <- if (is.null(above)) "" else paste0(":", format(height(above) - height(i), digits = 15))
    if (i <= n) return(paste0("'", tree$tip.label[i], "'", length))
    inner <- sapply(below[[as.character(i)]], write, above = i)
    paste0("(", paste(inner, collapse = ","), ")", length)
  }
  paste0(write(n + 1, NULL), ";")
}
correlation <- function(tree) {
  n <- length(tree$tip.label)
  above <- rep(NA, max(tree$edge)); above[tree$edge[, 2]] <- tree$edge[, 1]
  below <- split(tree$edge[, 2], tree$edge[, 1])
  tips <- function(i) if (i <= n) i else unlist(lapply(below[[as.character(i)]], tips))
  R <- matrix(0, n, n, dimnames = list(tree$tip.label, tree$tip.label))
  for (node in c(n + 1, setdiff(unique(tree$edge[, 1]), n + 1))) {
    inside <- tips(node); depth <- 1 - (length(inside) - 1) / (n - 1)
    R[inside, inside] <- pmax(R[inside, inside], depth)
  }
  diag(R) <- 1
  R
}

k <- dat.konstantopoulos2011
parts <- list(part("konstantopoulos", k[c("district", "school", "yi", "vi")],
                   rma.mv(yi, vi, random = ~ 1 | district/school, data = k)))

b <- dat.berkey1998
V <- vcalc(vi = 1, cluster = author, rvars = c(v1i, v2i), data = b)
for (method in c("ML", "REML")) {
  fit <- rma.mv(yi, V, mods = ~ outcome - 1, random = ~ outcome | trial, struct = "UN", data = b, method = method)
  parts <- c(parts, list(part(paste0("berkey-", method), data.frame(trial = b$trial, outcome = b$outcome, yi = b$yi, vi = diag(V)), fit, list(V = V))))
}

w <- dat.ishak2007
long <- reshape(as.data.frame(w), direction = "long", idvar = "study", v.names = c("yi", "vi"),
                varying = list(paste0("y", 1:4, "i"), paste0("v", 1:4, "i")))
long <- long[order(long$study, long$time), ]
long <- long[!is.na(long$yi), c("study", "time", "yi", "vi")]
V <- vcalc(vi, cluster = study, time1 = time, phi = 0.97, data = long)
for (struct in c("HAR", "AR", "HCS", "CAR")) {
  fit <- rma.mv(yi, V, mods = ~ factor(time) - 1, random = ~ time | study, struct = struct, data = long)
  parts <- c(parts, list(part(paste0("ishak-", struct), long, fit)))
}

d <- dat.besson2016
d$vi <- NULL
d <- escalc(measure = "SMD", m1i = exp_mean, m2i = con_mean, sd1i = exp_se * sqrt(exp_n), sd2i = con_se * sqrt(con_n),
            n1i = exp_n, n2i = con_n, data = d)
d <- d[!is.na(d$yi) & !is.na(d$vi), ]
columns <- data.frame(study = d$study_ID, comparison = d$comp_ID, strain = d$strain, yi = as.numeric(d$yi), vi = d$vi)
parts <- c(parts, list(part("besson", columns, rma.mv(yi, vi, random = list(~ 1 | study, ~ 1 | comparison), data = columns))))
parts <- c(parts, list(part("besson-strain", columns[c("study", "strain", "yi", "vi")],
                            rma.mv(yi, vi, random = list(~ 1 | study, ~ 1 | strain), data = columns))))

l <- escalc(measure = "ZCOR", ri = ri, ni = ni, data = dat.lim2014$o_o_unadj)
tree <- dat.lim2014$o_o_unadj_tree
l <- data.frame(study = l$article, esid = seq_len(nrow(l)), species = l$species, yi = as.numeric(l$yi), vi = l$vi)
l$phylogeny <- l$species
fit <- rma.mv(yi, vi, random = list(~ 1 | study, ~ 1 | esid, ~ 1 | species, ~ 1 | phylogeny),
              R = list(phylogeny = correlation(tree)), data = l)
parts <- c(parts, list(part("lim", l[c("study", "esid", "species", "yi", "vi")], fit, list(tree = newick(tree)))))

g <- dat.bangertdrowns2004
g <- data.frame(study = g$id, ni100 = g$ni / 100, yi = as.numeric(g$yi), vi = g$vi)
fit <- rma(yi, vi, mods = ~ ni100, scale = ~ ni100, data = g)
parts <- c(parts, list(list(name = "bangertdrowns", columns = as.list(g),
  fit = list(beta = as.numeric(fit$beta), se = fit$se, alpha = as.numeric(fit$alpha), loglik = as.numeric(logLik(fit))))))
cat(toJSON(parts, digits = 12, auto_unbox = TRUE))
