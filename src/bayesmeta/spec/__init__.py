"""Choices of one analysis, read from `models/<name>.toml`; a key that does not exist is an error."""

from bayesmeta.spec.model import LEVELS, LIKELIHOODS, ModelSpec, parse_spec, read_spec
from bayesmeta.spec.prior import FAMILIES, SCALES, Prior, refuse_unknown

__all__ = [
    "FAMILIES",
    "LEVELS",
    "LIKELIHOODS",
    "SCALES",
    "ModelSpec",
    "Prior",
    "parse_spec",
    "read_spec",
    "refuse_unknown",
]
