"""The model: choices (spec), coded table (design), priors, likelihood, and the PyMC model."""
