"""Choices of an analysis, read from `models/<name>.toml`; an unknown key is an error."""

from bayesmeta.model.spec.checking import LIKELIHOODS, ORDERED, check_spec
from bayesmeta.model.spec.families import FAMILIES, HEAVY, families_of
from bayesmeta.model.spec.model import KINDS, LEVELS, ModelSpec
from bayesmeta.model.spec.prior import FLAT, FLAT_VARIANCE, Prior, refuse_unknown, split_names
from bayesmeta.model.spec.reading import model_names, parse_spec, read_spec
from bayesmeta.model.spec.saving import spec_from_json, spec_of, spec_to_json
from bayesmeta.model.spec.truncated import Truncated
