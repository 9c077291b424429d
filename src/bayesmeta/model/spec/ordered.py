"""The model of directions: an ordered logit of outcomes without effect sizes.

likelihood = "ordered-logit"
outcome = "direction"                          the column
categories = ["impaired", "none", "enhanced"]  its values, from low to high
sides = "route"                                probabilities are reported for each of its levels
[priors.gap]                                   of the cutpoints' distance from zero
[priors.aggregate]                             optional: of a share, which a count of studies is
                                               compared with
"""

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.model import ModelSpec

ORDERED = "ordered-logit"
CATEGORIES = 3
UNFIT = ("rho", "shared_controls", "bias", "tau_by", "concordance")


def check_ordered(spec: ModelSpec) -> None:
    """Raise BadInput if a model of directions cannot be fitted, or another model has its keys.

    A model of directions needs `outcome`, three `categories`, `sides` and the study level alone.
    """
    if spec.likelihood != ORDERED:
        if spec.outcome or spec.categories:
            keys = f'outcome and categories belong to likelihood = "{ORDERED}"'
            raise BadInput(f"model {spec.name}: {keys}; leave them out")
        return
    if missing := [key for key in ("outcome", "categories", "sides") if not getattr(spec, key)]:
        raise BadInput(f'model {spec.name} lacks {missing}, which likelihood = "{ORDERED}" needs')
    if not len(spec.categories) == len(set(spec.categories)) == CATEGORIES:
        raise BadInput(
            f"categories of model {spec.name} are {list(spec.categories)}; they should be three "
            "words, the lowest first"
        )
    unfit = [key for key in UNFIT if getattr(spec, key)]
    if unfit or spec.levels != ("study",):
        what = ", ".join(unfit) or f"levels = {list(spec.levels)}"
        needs = 'an ordered logit has levels = ["study"] and neither rho nor bias'
        raise BadInput(f"model {spec.name}: {needs}; got {what}")
