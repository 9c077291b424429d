"""The robustness of conclusions: funnel, bias, influence, priors, multiverse, lint."""
