"""From a model to its posterior or its REML fit: NUTS, quadrature, REML, ordered logit, predictive draws."""
