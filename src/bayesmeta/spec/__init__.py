"""Choices of one analysis, read from `models/<name>.toml`; a key that does not exist is an error."""

from bayesmeta.spec.model import LEVELS, ModelSpec
from bayesmeta.spec.ordered import ORDERED
from bayesmeta.spec.prior import FAMILIES, FAMILIES_OF, Prior, refuse_unknown
from bayesmeta.spec.reading import LIKELIHOODS, parse_spec, read_spec

__all__ = [
    "FAMILIES",
    "FAMILIES_OF",
    "LEVELS",
    "LIKELIHOODS",
    "ORDERED",
    "ModelSpec",
    "Prior",
    "parse_spec",
    "read_spec",
    "refuse_unknown",
]
