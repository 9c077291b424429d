"""What draws mean: contrasts, summaries, discrepancies, marginal means, convergence, frequentist comparison."""
