"""The priors that METHODS 1 compares with a model's prior: a new prior is a new entry."""

from dataclasses import dataclass, replace

from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.prior import Prior


@dataclass(frozen=True)
class OtherPrior:
    """A prior that may stand in place of a model's prior."""

    name: str  # in tables
    label: str  # in figures
    key: str  # `tau` or `terms`
    prior: Prior
    reason: str  # why it is reasonable

    def replaced_in(self, spec: ModelSpec) -> ModelSpec | None:
        """Return a copy with this prior; None if that is its prior, it has none or a pooling sd."""
        old = spec.priors.get(self.key)
        if old is None or old.pooling_sd is not None or str(old) == str(self.prior):
            return None
        return replace(spec, priors={**spec.priors, self.key: self.prior})


def _other(key: str, name: str, label: str, prior: str, reason: str) -> OtherPrior:
    return OtherPrior(f"{key} {name}", f"{key}: {label}", key, Prior.parse(key, prior), reason)


SMALL = "taus half as large are expected"
LARGE = "a long tail lets taus be large"
OTHER_PRIORS = (
    _other("tau", "half-normal .5", "half-normal .5", "HalfNormal(0.5)", SMALL),
    _other("tau", "half-Cauchy .5", "half-Cauchy .5", "HalfCauchy(0.5)", LARGE),
    _other("tau", "inverse gamma", "inverse gamma", "InvGamma(1, 0.15)", "no mass at zero"),
    _other("terms", "sd .71", "tight, sd .71", "Normal(0, 0.71)", "scepticism of large effects"),
    _other("terms", "sd 3", "wide, sd 3", "Normal(0, 3)", "hardly any expectation"),
)
