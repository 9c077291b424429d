"""Choices of one analysis, read from `models/<name>.toml`; a key that does not exist is an error."""

from bayesmeta.model.spec.checking import LIKELIHOODS, check_spec
from bayesmeta.model.spec.families import FAMILIES, families_of
from bayesmeta.model.spec.model import LEVELS, ModelSpec
from bayesmeta.model.spec.ordered import ORDERED
from bayesmeta.model.spec.prior import FLAT, Prior, refuse_unknown
from bayesmeta.model.spec.reading import parse_spec, read_spec
from bayesmeta.model.spec.saving import spec_from_json, spec_of, spec_to_json
