"""What average prints: components with their Bayes factors, averages, models."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.markup import escape

from bayesmeta.commands.console.printer import Printer
from bayesmeta.estimates.text import interval_text, number_text, probability_text
from bayesmeta.robustness.averaging import SCALES

MOST = 8  # models that are printed


def print_averages(printer: Printer, tables: Mapping[str, pd.DataFrame]) -> None:
    """Print inclusion, averages, and the most probable models."""
    columns = ("component", "models", "prior", "posterior", "Bayes factor")
    components = [
        (
            row["component"],
            str(row["models"]),
            probability_text(row["prior"]),
            probability_text(row["posterior"]),
            factor_text(row["log_bayes_factor"]),
        )
        for row in tables["inclusion"].to_dict("records")
    ]
    printer.table("Is it there? Inclusion over all models", columns, components)
    columns_of_means = ("", "averaged mean", "95 % interval", "P(0)", "if not 0", "95 % interval")
    means = []
    for row in tables["averaged"].to_dict("records"):
        conditional = (number_text(row["conditional_mean"]), _interval(row, "conditional_"))
        numbers = (number_text(row["mean"]), _interval(row), probability_text(row["p_zero"]))
        means.append((row["name"], *numbers, *conditional))
    printer.table("Averages over all models", columns_of_means, means)
    columns_of_models = ("model", "prior", "posterior", "log evidence")
    models = [
        (
            row["model"],
            probability_text(row["prior"]),
            probability_text(row["posterior"]),
            f"{row['log_evidence']:.2f}",
        )
        for row in tables["average_models"].head(MOST).to_dict("records")
    ]
    heading = f"Most probable of {len(tables['average_models'])} models"
    printer.table(heading, columns_of_models, models)
    for sentence in sentences(tables):
        printer.markup(escape(sentence))


def factor_text(log_factor: float) -> str:
    """Return a Bayes factor for a component; against it, if that is more than 1."""
    size = abs(log_factor)
    number = f"{size / 2.302585:.0f} powers of ten" if size > 11.5 else f"{2.718281828**size:.3g}"
    return number if log_factor >= 0 else f"{number} against"


def sentences(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what the tables do not say by themselves."""
    lines = [
        "Bayes factors depend on the priors: figures/bayes_factors shows them under narrower and "
        "wider ones."
    ]
    if not len(tables["bayes_factors"]):
        lines = ["Bayes factors depend on the priors; these models are too many for a curve."]
    lines += missing_scales(tables)
    for row in tables["average_left_out"].to_dict("records"):
        lines.append(f"left out: {row['model']}: {row['reason']}")
    return lines


def missing_scales(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return which Bayes factors have no value at which scales of their prior, if some have."""
    curves = tables["bayes_factors"]
    if not len(curves):
        return []
    lines = []
    for component in tables["inclusion"]["component"]:
        drawn = set(curves.loc[curves["component"] == component, "scale"])
        if missing := [f"{scale:g}" for scale in SCALES if scale not in drawn]:
            scales = ", ".join(missing)
            reason = "the draws of its models do not cover such a prior"
            lines.append(f"no Bayes factor of {component} at {scales} times the scale: {reason}")
    return lines


def _interval(row: Mapping[Any, Any], prefix: str = "") -> str:
    return interval_text(row[f"{prefix}ci_lb"], row[f"{prefix}ci_ub"])
