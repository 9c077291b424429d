"""What a model of directions has of its own: an ordered logit of outcomes without effect sizes.

likelihood = "ordered-logit"
outcome = "direction"                               the column
categories = ["impaired", "none", "enhanced"]       its values, from low to high
sides = "route"                                     probabilities are reported for each of its levels
[priors.gap]                                        of the cutpoints' distance from zero
[priors.aggregate]                                  optional: of a share, beside which a count of studies is set
"""

from collections.abc import Mapping
from typing import Any

from bayesmeta.errors import BadInput

ORDERED = "ordered-logit"
CATEGORIES = 3


def check_ordered(entries: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The keys `outcome` and `categories` of a model, empty where it is no model of directions.

    Raises
    ------
    BadInput
        A model of directions lacks them, `sides` or the study level, or has what it cannot use; or another has them.
    """
    categories = entries.get("categories", [])
    if not isinstance(categories, list) or not all(isinstance(one, str) for one in categories):
        raise BadInput(f'categories of model {name} are {categories!r}; they should read ["worse", "same", "better"]')
    own = {"outcome": str(entries.get("outcome", "")), "categories": tuple(categories)}
    if entries.get("likelihood") != ORDERED:
        if any(own.values()):
            raise BadInput(f'model {name}: outcome and categories belong to likelihood = "{ORDERED}"; leave them out')
        return own
    if missing := [key for key in ("outcome", "categories", "sides") if not entries.get(key)]:
        raise BadInput(f'model {name} lacks {missing}, which likelihood = "{ORDERED}" needs')
    if not len(categories) == len(set(categories)) == CATEGORIES:
        raise BadInput(f"categories of model {name} are {categories}; they should be three words, the lowest first")
    unfit = [key for key in ("rho", "shared_controls", "bias", "tau_by", "concordance") if entries.get(key)]
    if unfit or entries["levels"] != ["study"]:
        what = ", ".join(unfit) or f"levels = {entries['levels']}"
        raise BadInput(f'model {name}: an ordered logit has levels = ["study"] and neither rho nor bias; got {what}')
    return own
