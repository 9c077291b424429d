"""The rules of a selection model."""

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.families import CUMULATIVE
from bayesmeta.model.spec.model import CUTPOINTS, ModelSpec

OF_SELECTION = {  # key to its values
    "weight_function": ("steps", "beta"),
    "published_unit": ("study", "result"),  # that are published together
}


def check_selection(spec: ModelSpec, where: str) -> None:
    """Raise BadInput if choices of a selection model are unknown, or exclude each other."""
    for key, known in OF_SELECTION.items():
        if getattr(spec, key) not in known:
            got = f"{key} of {where} is {getattr(spec, key)!r}"
            raise BadInput(f"{got}; it should be one of {', '.join(known)}")
    if spec.weight_function == "beta" and spec.cutpoints != CUTPOINTS:
        chosen = f"{where} has beta weights, whose cutpoints are fixed"
        raise BadInput(f'{chosen}; leave out cutpoints, or use weight_function = "steps"')
    if spec.bias == "selection" and (spec.has_heavy_tails or "rho" in spec.priors or spec.rho):
        needs = "normal study effects and errors that are independent within a group"
        wanted = 'likelihood = "normal", rho = 0'
        raise BadInput(f"{where}: a selection model needs {needs} ({wanted})")
    _check_cumulative(spec, where)


def _check_cumulative(spec: ModelSpec, where: str) -> None:
    """Raise BadInput unless a cumulative Dirichlet prior of weights has an alpha for every step."""
    prior = spec.priors.get("weights")
    if prior is None or not prior.falling:
        return
    got = f"{where}: the prior of weights is {prior}"
    if spec.weight_function != "steps":
        raise BadInput(f'{got}, for weight_function = "steps" alone; use Gamma(2, 2)')
    steps = len(spec.cutpoints) + 1
    if len(prior.parameters) != steps:
        cuts = ", ".join(f"{p:g}" for p in spec.cutpoints)
        wanted = f"{CUMULATIVE}({', '.join(['1'] * steps)})"
        raise BadInput(f"{got}; the cutpoints {cuts} make {steps} steps: {wanted}")
