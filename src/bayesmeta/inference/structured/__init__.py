"""Models with any dependence structure: REML, and independent draws by importance."""

from bayesmeta.inference.structured.posterior import structured_posterior
from bayesmeta.inference.structured.reml import fit_structured_reml
from bayesmeta.inference.structured.tree import structured_prior
