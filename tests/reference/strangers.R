# Writes strangers.json from the tables of `python tests/strangers.py FOLDER`: Rscript strangers.R FOLDER strangers.json
suppressMessages({library(metafor); library(jsonlite)})
args <- commandArgs(TRUE)
table <- function(name) read.csv(file.path(args[1], paste0(name, ".csv")))
told <- function(f) list(beta = as.numeric(f$beta), se = f$se, sigma2 = f$sigma2, log_lik = as.numeric(logLik(f)), QE = f$QE, k = f$k)
control <- list(rel.tol = 1e-9, iter.max = 2000, eval.max = 2000)
schools <- table("schools")
outcomes <- table("outcomes")
correlations <- escalc(measure = "ZCOR", ri = ri, ni = ni, data = table("correlations"))
correlations$row <- seq_len(nrow(correlations))
lengths <- escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = table("lengths"))
fits <- list(
  schools = told(rma.mv(yi, vi, random = ~ 1 | district/school, data = schools, control = control)),
  outcomes = told(rma.mv(yi, vi, random = ~ 1 | study/id, data = outcomes, control = control)),
  correlations = told(rma.mv(yi, vi, random = ~ 1 | studyid/row, data = correlations, control = control)),
  lengths = told(rma.mv(yi, vi, random = ~ 1 | author, data = lengths, control = control)))
write_json(list(metafor = as.character(packageVersion("metafor")), fits = fits), args[2], digits = 12, auto_unbox = TRUE, pretty = TRUE)
