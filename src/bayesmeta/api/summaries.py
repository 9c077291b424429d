"""The summary of a REML fit: tables that are made when needed, and all of them as text or HTML."""

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.estimates.frequentist import terms_on_scales
from bayesmeta.inference import reml
from bayesmeta.infrastructure.choices import Test


@dataclass(frozen=True, repr=False)
class RemlSummary:
    """Tables of a REML fit, with the content of metafor's `summary` of an `rma.mv`.

    Attributes
    ----------
    fitted : result of `reml.fit_reml`: beta, covariance, tau, log_lik, QE, boundary, aliased.
    test : test of the terms, "z", "t" or "containment".
    weights : contrasts of `terms` and `robust`, or None; dims (contrast, term).
    """

    fitted: reml.Reml
    test: Test
    weights: xr.DataArray | None = None

    @cached_property
    def terms(self) -> pd.DataFrame:
        """Terms, contrasts: estimate, se, zval (or tval, df), pval, p_bonferroni, ci_lb, ci_ub.

        For a measure that is usually reported on another scale, such as log odds ratios, also
        scale, estimate_transformed, ci_lb_transformed, ci_ub_transformed.
        """
        return terms_on_scales(self.fitted, test=self.test, contrasts=self.weights)

    @cached_property
    def robust(self) -> pd.DataFrame:
        """The same, cluster-robust (CR2, Satterthwaite's df): se, df, tval, pval, ci_lb, ci_ub."""
        return reml.cr2_table(self.fitted, contrasts=self.weights)

    @cached_property
    def heterogeneity(self) -> pd.DataFrame:
        """Heterogeneity by level: level, tau, tau2, i2."""
        return reml.heterogeneity_table(self.fitted)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Correlations and slopes of log tau of a dependence structure: parameter, estimate."""
        values = self.fitted.parameters
        return pd.DataFrame({"parameter": values.index, "estimate": values.to_numpy()})

    @cached_property
    def fit(self) -> pd.DataFrame:
        """Row of the fit: k, studies, groups, QE, QE_df, QE_p, QM, QM_df, QM_p, log_lik."""
        return reml.fit_table(self.fitted, test=self.test)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Profile likelihood intervals, metafor's `confint`: level, tau_ci_lb, tau_ci_ub."""
        return reml.profile_intervals(self.fitted)

    def __repr__(self) -> str:
        parts = [
            f"{title}\n{table.to_string(index=False, formatters=formats_of(table))}"
            for title, table in self._tables.items()
        ]
        return "\n\n".join([self._head, *parts, *self._notes])

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self._head)}</p>"]
        for title, table in self._tables.items():
            html = table.to_html(index=False, formatters=formats_of(table))
            parts.append(f"<p><b>{escape(title)}</b></p>{html}")
        return "".join([*parts, *(f"<p>{escape(note)}</p>" for note in self._notes)])

    @property
    def _head(self) -> str:
        fit = self.fit.iloc[0]
        levels = " > ".join(self.fitted.spec.levels)
        sizes = f"{fit['k']:.0f} effects, {fit['groups']:.0f} groups, {fit['studies']:.0f} studies"
        likelihood = f"log-likelihood {fit['log_lik']:.4f}"
        return f"{self.fitted.method}, {levels}: {sizes}, {likelihood}"

    @property
    def _tables(self) -> dict[str, pd.DataFrame]:
        fit = self.fit.iloc[0]
        name = "chi2" if self.test == "z" else "F"
        rows = [
            ("residual heterogeneity (QE)", fit["QE"], fit["QE_df"], fit["QE_p"]),
            (f"terms (QM, {name})", fit["QM"], fit["QM_df"], fit["QM_p"]),
        ]
        tests = pd.DataFrame(rows, columns=["of", "statistic", "df", "pval"])
        tables = {
            "Heterogeneity": self.heterogeneity,
            "Tests": tests,
            f"Terms ({self.test} tests)": self.terms,
        }
        if len(self.parameters):
            tables["Correlations, slopes of log tau"] = self.parameters
        if self.fitted.spec.has_blocks:
            return tables
        return tables | {"Cluster-robust (CR2, by study)": self.robust}

    @property
    def _notes(self) -> list[str]:
        notes = []
        if self.fitted.boundary:
            notes.append(f"tau is estimated as 0 at: {', '.join(self.fitted.boundary)}")
        if self.fitted.aliased:
            aliased = ", ".join(self.fitted.aliased)
            notes.append(f"tau^2 is split evenly, as these data cannot separate: {aliased}")
        return notes


def formats_of(table: pd.DataFrame) -> Any:
    """Return formats of the columns: numbers with 4 digits, degrees of freedom with 1."""
    numbers = table.select_dtypes("number").columns
    return {name: ("{:.1f}" if name == "df" else "{:.4f}").format for name in numbers}
