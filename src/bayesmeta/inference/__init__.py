"""From a model to its posterior or REML fit: NUTS, quadrature, REML, ordered logit, predictions."""
