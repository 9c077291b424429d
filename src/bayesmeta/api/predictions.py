"""What a tree says of rows that are not in its table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.api.results import check_sizes
from bayesmeta.api.tables import check_frame
from bayesmeta.estimates import margins
from bayesmeta.infrastructure.errors import BadInput

At = Mapping[str, Any] | None


def predict(tree: xr.DataTree, rows: pd.DataFrame | None = None, *, at: At = None) -> pd.DataFrame:
    """What a study of some kind would find: the mean effect, and where the true effect of a new study would lie.

    Parameters
    ----------
    tree : from `fit`, or from arviz.from_netcdf("posterior.nc").
    rows : a table with a column for each moderator. Default: the reference grid, which is every combination of the
        levels of categories, with numbers at their means; cells without effects are left out of it.
    at : values of moderators in the grid, {"dose": [1, 2], "phase": "memory"}.

    Returns
    -------
    DataFrame : the moderators; mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive; for each level pi_study_lb,
        pi_study_ub ...: 95 % interval for the true mean of a new study, of a new group in it; outside: numbers beyond
        the range of the data; k and studies: effects with the row's categories.

    Raises
    ------
    BadInput
        Rows and at, a moderator that is missing, blank or unknown, or no row that can be predicted.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> tree = bayesmeta.fit(frame, moderators="~ dose + phase", sampler="quadrature", draws=250)
    >>> columns = ["dose", "phase", "mean", "pi_study_lb", "pi_study_ub"]
    >>> bayesmeta.predict(tree, at={"dose": [0.5, 1.5], "phase": "memory"})[columns].round(1)
       dose   phase  mean  pi_study_lb  pi_study_ub
    0   0.5  memory   0.0         -1.1          1.2
    1   1.5  memory   0.0         -1.1          1.1
    """
    check_sizes(tree)
    if rows is not None:
        if at:
            raise BadInput("at fills the reference grid and rows take its place; give one of them")
        return margins.predicted_table(tree, check_frame(rows))
    found = margins.predicted_table(tree, margins.reference_grid(tree, _values(at)))
    return found.dropna(subset="mean").reset_index(drop=True)


def marginal_means(tree: xr.DataTree, *of: str, at: At = None, weights: str = "equal") -> pd.DataFrame:
    """Mean at each level of some moderators, averaged over the rest of the reference grid, as R's emmeans has it.

    Parameters
    ----------
    tree : as for `predict`.
    *of : moderators; every combination of their levels gets a mean. Without any: the mean of the whole grid.
    at : as for `predict`.
    weights : of the combinations of the others: equal, or frequency (as often as effects have them).

    Returns
    -------
    DataFrame : the moderators, and numbers as in `predict`. A mean over cells without effects is left out.

    Raises
    ------
    BadInput
        Unknown moderators or weights, or no mean is left.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> tree = bayesmeta.fit(frame, moderators="~ dose + phase", sampler="quadrature", draws=250)
    >>> bayesmeta.marginal_means(tree, "phase")[["phase", "mean", "sd"]].round(1)
          phase  mean   sd
    0  learning   0.1  0.2
    1    memory   0.0  0.2
    """
    return margins.marginal_table(check_sizes(tree), *of, at=_values(at), weights=weights)


def marginal_contrasts(tree: xr.DataTree, *of: str, at: At = None, weights: str = "equal") -> pd.DataFrame:
    """Differences of all pairs of `marginal_means`.

    Returns
    -------
    DataFrame : contrast, mean, sd, ci_lb, ci_ub, p_positive, p_rope = P(|difference| < the model's rope).

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> tree = bayesmeta.fit(frame, moderators="~ dose + phase", sampler="quadrature", draws=250)
    >>> bayesmeta.marginal_contrasts(tree, "phase")[["contrast", "mean", "sd"]].round(1)
                contrast  mean   sd
    0  learning - memory   0.1  0.2
    """
    found = margins.marginal_weights(check_sizes(tree), *of, at=_values(at), weights=weights)
    if found.sizes["contrast"] < 2:
        raise BadInput(f"a difference needs two means; {', '.join(of) or 'the whole grid'} has one")
    return margins.pairs_table(tree, found)


def _values(at: At) -> dict[str, Sequence[Any]]:
    """Values of each moderator as lists."""
    if at is not None and not isinstance(at, Mapping):
        raise BadInput(f'at is {at!r}; it should be a mapping of moderators to values, {{"dose": [1, 2]}}')
    alone = (str, bytes, int, float, bool)
    return {name: [own] if isinstance(own, alone) else list(own) for name, own in (at or {}).items()}
