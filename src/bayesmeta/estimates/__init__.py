"""Quantities from posterior draws: contrasts, summaries, discrepancies, margins, convergence."""
