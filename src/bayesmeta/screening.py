"""Which moderators matter? From a dataset's name or a file to importance, a tree, and a model to judge them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.errors import BadInput
from bayesmeta.inputs import Inputs, Request, show_inputs
from bayesmeta.progress import Steps
from bayesmeta.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

TOP, PAIRS = 5, 3  # moderators whose interactions are looked at, pairs that are drawn
BY = ("study", "group")


@dataclass(frozen=True)
class Screening:
    """How to screen; the defaults are the command line's.

    Attributes
    ----------
    target : means, draws or raw (`screen.targets`).
    moderators : columns; none for those that the table offers.
    folds : study, or group as the paper did: effects of one study on both sides of a fold leak its identity.
    impute : column within which missing moderators are filled; "" for the whole table, as the paper did.
    draws, resamples, seed : of the target, of the studies, of every random step.
    """

    target: str = "means"
    moderators: tuple[str, ...] = ()
    folds: str = "study"
    impute: str = "species"
    draws: int = 50
    resamples: int = 100
    seed: int = 1


def run_screen(
    request: Request, how: Screening, out: Path | None, console: "Console", *, workers: int | None = None
) -> int:
    """Screen; write tables, figures, followup.toml and provenance-screen.json; gives 0.

    Parameters
    ----------
    request, how, out, console : Request, Screening, Path or None, Console
        What is asked, how it is screened, where results go, who is told.
    workers : int, optional
        Processes that grow forests and trees; what is done is kept, and the same command continues.

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    if how.folds not in BY:
        raise BadInput(f"unknown folds '{how.folds}'; folds are by: {', '.join(BY)}")
    inputs = show_inputs(request, steps, console)
    out = out or Path("reports") / inputs.dataset / "screening"
    with steps("starting JAX"):
        from bayesmeta import report
        from bayesmeta.sampling import start_jax

        start_jax(devices=1)
    with report.staging(out) as folder:
        tables, text = screen_tables(inputs, how, steps, workers)
        provenance = provenance_of(
            asdict(request) | asdict(how) | inputs.choices(out, seed=how.seed), inputs.frame.attrs
        )
        report.write_screen(folder, tables, text, provenance, inputs.design.attrs["scale"], steps)
    print_screen(console, tables, out, how, synthetic=provenance["synthetic"])
    return 0


def screen_tables(
    inputs: Inputs, how: Screening, steps: Steps, workers: int | None
) -> "tuple[dict[str, pd.DataFrame], str]":
    """Every table of a screening, and the text of the model that its strongest pair proposes."""
    import pandas as pd

    from bayesmeta import screen

    frame = inputs.frame.reset_index(drop=True)
    names, left_out = screen.choose_moderators(frame, how.moderators or None)
    filled = screen.fill_in(frame, names, within=how.impute)
    told = [{"moderator": name, "missing": int(frame[name].isna().sum()), "left_out": ""} for name in names]
    told += [
        {"moderator": name, "missing": int(frame[name].isna().sum()), "left_out": why} for name, why in left_out.items()
    ]
    forest = forest_tables(frame, filled, how, steps, workers)
    tree = tree_tables(frame, filled, how, steps, workers)
    strongest = forest["interactions"].iloc[0][["first", "second"]] if len(forest["interactions"]) else names[:1]
    text = screen.followup(filled, list(strongest), inputs.dataset)
    return {"moderators": pd.DataFrame(told)} | forest | tree, text


def forest_tables(
    frame: "pd.DataFrame", filled: "pd.DataFrame", how: Screening, steps: Steps, workers: int | None
) -> "dict[str, pd.DataFrame]":
    """r2cv, importance, dependence, interactions, pairs, convergence. Draws are tuned on their means."""
    import numpy as np
    import pandas as pd

    from bayesmeta import screen

    with steps("the target"):
        target = screen.target_of(frame, how.target, draws=how.draws, seed=how.seed)
        weights = screen.case_weights(frame, screen.total_tau2(frame))
    coded, typical = screen.code(filled), target.values.mean(0)
    folds = screen.folds_of(frame[how.folds], seed=how.seed)
    common: dict[str, Any] = {"seed": how.seed, "steps": steps, "workers": workers}
    r2cv = screen.r2cv_table(screen.tune(coded, typical, weights, folds, **common))
    tuning = screen.best_of(r2cv)
    weight = weights[tuning.weights]
    examined = screen.examine_draws(coded, target, weight, tuning, folds, **common)
    on_folds = screen.held_out_importance(examined)
    top = on_folds.nlargest(TOP, "importance")["moderator"].tolist()
    with steps("pairs of moderators, number of trees"):
        forest = screen.grow(coded, typical, weight, tuning, np.arange(len(frame)), seed=how.seed)
        interactions = screen.interactions_table(forest, coded, top) if len(top) > 1 else pd.DataFrame()
        pairs = tuple(map(tuple, interactions[["first", "second"]][:PAIRS].to_numpy())) if len(interactions) else ()
        convergence = screen.convergence_table(coded, typical, weight, tuning, folds, seed=how.seed)
    again = screen.run_replicates(
        coded, target, weight, tuning, frame["study"], count=how.resamples, pairs=pairs, **common
    )
    alone = screen.with_intervals(screen.dependence_table(forest, coded), again)
    both = [screen.with_intervals(screen.pair_dependence(forest, coded, *pair), again) for pair in pairs]
    tables = {
        "r2cv": r2cv.assign(target=how.target, folds=how.folds),
        "importance": screen.importance_table(screen.importance_of(again), on_folds, how.target),
        "dependence": alone.assign(target=how.target),
        "interactions": screen.with_intervals(interactions, again) if pairs else interactions,
        "pairs": pd.concat(both).assign(target=how.target) if both else pd.DataFrame(),
        "convergence": convergence,
    }
    return tables | ({"r2cv_draws": screen.r2cv_draws(examined)} if how.target == "draws" else {})


def tree_tables(
    frame: "pd.DataFrame", filled: "pd.DataFrame", how: Screening, steps: Steps, workers: int | None
) -> "dict[str, pd.DataFrame]":
    """tree, tree_errors, tree_stability: of the effect sizes as they are, whose errors a meta-tree weighs."""
    from bayesmeta import screen

    table, names = (
        filled.assign(**{name: frame[name] for name in ("study", "group", "yi", "vi")}),
        list(map(str, filled)),
    )
    common: dict[str, Any] = {"seed": how.seed, "steps": steps, "workers": workers}
    with steps("growing the tree"):
        grown = screen.grow_tree(table, names)
    errors = screen.cross_validate_tree(table, names, by=how.folds, **common)
    pruned = screen.prune(grown, errors)
    splits = screen.resampled_splits(table, names, splits=len(pruned.splits), resamples=how.resamples, **common)
    return {
        "tree": screen.tree_table(pruned, table),
        "tree_errors": errors,
        "tree_stability": screen.frequencies(splits, names, resamples=how.resamples),
    }


def print_screen(
    console: "Console", tables: "dict[str, pd.DataFrame]", out: Path, how: Screening, *, synthetic: bool
) -> None:
    """The best forest, importance, the tree's leaves, and the command that lets the model judge."""
    from rich.table import Table

    best, mark = tables["r2cv"].iloc[0], "SYNTHETIC  " if synthetic else ""
    console.print(
        f"{mark}forest of {how.target}, folds by {how.folds}: R2_cv {best['r2']:.2f} (sd {best['r2_sd']:.2f}), "
        f"1 - SSE/SST {best['r2_sse']:.2f}; {best['weights']} weights, {best['max_features']} features, leaves of "
        f"{best['min_samples_leaf']}",
        highlight=False,
    )
    table = Table(
        "moderator", "importance", "95 % interval", "P(first)", title=f"{mark}Importance", title_justify="left"
    )
    for row in tables["importance"].to_dict("records"):
        interval = f"\\[{row['ci_lb']:.3f}, {row['ci_ub']:.3f}]"
        table.add_row(row["moderator"], f"{row['mean']:.3f}", interval, f"{row['p_rank_1']:.2f}")
    console.print(table)
    leaves = tables["tree"][tables["tree"]["leaf"]]
    for row in leaves.to_dict("records"):
        console.print(
            f"leaf {row['node']}: {row['split']}: {row['estimate']:.2f} [{row['ci_lb']:.2f}, {row['ci_ub']:.2f}], "
            f"{row['k']} effects of {row['studies']} studies",
            highlight=False,
            markup=False,
        )
    console.print(f"the model judges: bayesmeta fit --dataset ... --model {out / 'followup.toml'}", highlight=False)
    console.print(f"written to [bold]{out}[/bold]: tables/, figures/, followup.toml, provenance-screen.json")
