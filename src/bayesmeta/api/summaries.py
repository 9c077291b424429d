"""A REML fit as it is looked at: tables that are made when asked for, and all at once as text or HTML."""

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.inference.reml import Reml, cr2_table, fit_table, heterogeneity_table, profile_intervals, terms_table


@dataclass(frozen=True, repr=False)
class RemlSummary:
    """What metafor's `summary` of an `rma.mv` says, as tables.

    Attributes
    ----------
    fitted : as `reml.fit_reml` gives it: beta, covariance, tau, log_lik, QE, boundary, aliased.
    test : z, t or containment.
    weights : of the contrasts of `terms` and `robust`, (contrast, term); None without contrasts.
    """

    fitted: Reml
    test: str
    weights: xr.DataArray | None = None

    @cached_property
    def terms(self) -> pd.DataFrame:
        """Term (then contrast), estimate, se, zval (or tval and df), pval, p_bonferroni, ci_lb, ci_ub."""
        return terms_table(self.fitted, test=self.test, contrasts=self.weights)

    @cached_property
    def robust(self) -> pd.DataFrame:
        """The same by cluster-robust CR2 with Satterthwaite's df: term, se, df, tval, pval, ci_lb, ci_ub."""
        return cr2_table(self.fitted, contrasts=self.weights)

    @cached_property
    def heterogeneity(self) -> pd.DataFrame:
        """Level, tau, tau2, i2."""
        return heterogeneity_table(self.fitted)

    @cached_property
    def fit(self) -> pd.DataFrame:
        """One row: k, studies, groups, QE, QE_df, QE_p, QM, QM_df, QM_p, log_lik."""
        return fit_table(self.fitted, test=self.test)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Profile likelihood intervals of the taus, metafor's `confint`: level, tau_ci_lb, tau_ci_ub."""
        return profile_intervals(self.fitted)

    def __repr__(self) -> str:
        parts = [self._head]
        parts += [f"{title}\n{_text(table)}" for title, table in self._tables.items()]
        return "\n\n".join([*parts, *self._notes])

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self._head)}</p>"]
        for title, table in self._tables.items():
            parts.append(f"<p><b>{escape(title)}</b></p>" + table.to_html(index=False, formatters=_formats(table)))
        return "".join(parts + [f"<p>{escape(note)}</p>" for note in self._notes])

    @property
    def _head(self) -> str:
        fit = self.fit.iloc[0]
        levels = " > ".join(self.fitted.spec.levels)
        sizes = f"{fit['k']:.0f} effects, {fit['groups']:.0f} groups, {fit['studies']:.0f} studies"
        return f"{self.fitted.method}, {levels}: {sizes}, log-likelihood {fit['log_lik']:.4f}"

    @property
    def _tables(self) -> dict[str, pd.DataFrame]:
        fit = self.fit.iloc[0]
        name = "chi2" if self.test == "z" else "F"
        tests = pd.DataFrame(
            {
                "of": ["residual heterogeneity (QE)", f"terms (QM, {name})"],
                "statistic": [fit["QE"], fit["QM"]],
                "df": [fit["QE_df"], fit["QM_df"]],
                "pval": [fit["QE_p"], fit["QM_p"]],
            }
        )
        return {
            "Heterogeneity": self.heterogeneity,
            "Tests": tests,
            f"Terms ({self.test} tests)": self.terms,
            "Cluster-robust (CR2, by study)": self.robust,
        }

    @property
    def _notes(self) -> list[str]:
        notes = []
        if self.fitted.boundary:
            notes.append(f"tau is estimated as 0 at: {', '.join(self.fitted.boundary)}")
        if self.fitted.aliased:
            notes.append(
                f"these data cannot tell apart, so that tau^2 is split evenly: {', '.join(self.fitted.aliased)}"
            )
        return notes


def _text(table: pd.DataFrame) -> str:
    return table.to_string(index=False, formatters=_formats(table))


def _formats(table: pd.DataFrame) -> Any:
    """Numbers with 4 digits, degrees of freedom with one."""
    numbers = table.select_dtypes("number").columns
    return {name: ("{:.1f}" if name == "df" else "{:.4f}").format for name in numbers}
