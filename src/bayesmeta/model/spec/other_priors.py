"""The priors that METHODS 1 sets beside a model's own, an entry each; a new one is a new entry."""

from dataclasses import dataclass, replace

from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.prior import Prior


@dataclass(frozen=True)
class OtherPrior:
    """A prior that may stand in place of a model's own.

    Attributes
    ----------
    name, label : as tables name it, and in a figure's words.
    key : what it is a prior of, `tau` or `terms`.
    prior : the distribution.
    reason : why it is reasonable.
    """

    name: str
    label: str
    key: str
    prior: Prior
    reason: str

    def replaced_in(self, spec: ModelSpec) -> ModelSpec | None:
        """Copy of a model with this prior; None where it has none by that key, one with a spread, or the same."""
        old = spec.priors.get(self.key)
        if old is None or old.pooling_sd is not None or str(old) == str(self.prior):
            return None
        return replace(spec, priors={**spec.priors, self.key: self.prior})


def _other(name: str, label: str, key: str, prior: str, reason: str) -> OtherPrior:
    return OtherPrior(name, label, key, Prior.parse(key, prior), reason)


OTHER_PRIORS = (
    _other(
        "tau half-normal .5",
        "tau: half-normal .5",
        "tau",
        "HalfNormal(0.5)",
        "taus half as large are expected",
    ),
    _other(
        "tau half-Cauchy .5",
        "tau: half-Cauchy .5",
        "tau",
        "HalfCauchy(0.5)",
        "a long tail lets taus be large",
    ),
    _other(
        "tau inverse gamma", "tau: inverse gamma", "tau", "InvGamma(1, 0.15)", "no mass at zero"
    ),
    _other(
        "terms sd .71",
        "terms: tight, sd .71",
        "terms",
        "Normal(0, 0.71)",
        "scepticism of large effects",
    ),
    _other("terms sd 3", "terms: wide, sd 3", "terms", "Normal(0, 3)", "hardly any expectation"),
)
