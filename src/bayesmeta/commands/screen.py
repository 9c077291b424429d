"""Which moderators matter? From a dataset's name or a file to importance, a tree, and a model to judge them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.commands.request import Inputs, Request, show_inputs
from bayesmeta.estimates.text import estimate_text, interval_text, number_text, probability_text
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from bayesmeta.screening.moderators import Coded

TOP, PAIRS = 5, 3  # moderators whose interactions are looked at, pairs that are drawn
BY = ("study", "group")
CODINGS = ("levels", "alphabet")
ACROSS = "across"


@dataclass(frozen=True)
class Screening:
    """How to screen; the defaults are the command line's.

    Attributes
    ----------
    target : means, draws or raw (`screen.targets`).
    moderators : columns; none for those that the table offers.
    folds : study, or group as the paper did: effects of one study on both sides of a fold leak its identity.
    impute : column within which missing moderators are filled; across: from persons and animals, as the paper did.
    imputations : 1 fills in the mode or median; of more, random ones, the forest's numbers are averages.
    coding : a category's levels as a column each, or in one column by the alphabet, as the paper's software does.
    draws, resamples, seed : of the target, of the studies, of every random step.
    """

    target: str = "means"
    moderators: tuple[str, ...] = ()
    folds: str = "study"
    impute: str = "species"
    imputations: int = 1
    coding: str = "levels"
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
    for name, value, known in (("folds", how.folds, BY), ("coding", how.coding, CODINGS)):
        if value not in known:
            raise BadInput(f"unknown {name} '{value}'; {name} can be: {', '.join(known)}")
    inputs = show_inputs(request, steps, console)
    out = out or Path("reports") / inputs.dataset / "screening"
    with steps("starting JAX"):
        from bayesmeta.inference.nuts import start_jax
        from bayesmeta.output import folders

        start_jax(devices=1)
    with folders.staging(out) as folder:
        tables, text = screen_tables(inputs, how, steps, workers)
        provenance = provenance_of(
            asdict(request) | asdict(how) | inputs.choices(out, seed=how.seed), inputs.frame.attrs
        )
        folders.write_screen(folder, tables, text, provenance, inputs.design.attrs["scale"], steps)
    print_screen(console, tables, out, how, synthetic=provenance["synthetic"])
    return 0


def screen_tables(
    inputs: Inputs, how: Screening, steps: Steps, workers: int | None
) -> "tuple[dict[str, pd.DataFrame], str]":
    """Every table of a screening, and the text of the model that its strongest pair proposes."""
    import pandas as pd

    from bayesmeta import screening as screen

    frame = inputs.frame.reset_index(drop=True)
    names, left_out = screen.choose_moderators(frame, how.moderators or None)
    filled = fill_each(inputs, frame, names, how)
    told = [{"moderator": name, "missing": int(frame[name].isna().sum()), "left_out": ""} for name in names]
    told += [
        {"moderator": name, "missing": int(frame[name].isna().sum()), "left_out": why} for name, why in left_out.items()
    ]
    options = screen.JobOptions(steps=steps, workers=workers)
    running: dict[str, Any] = {"seed": how.seed, "options": options}
    forest = forest_tables(frame, screen.code_each(filled, ordered=how.coding == "alphabet"), how, running)
    tree = tree_tables(frame, filled[0], how, running, dataset=inputs.dataset)
    strongest = forest["interactions"].iloc[0][["first", "second"]] if len(forest["interactions"]) else names[:1]
    text = screen.followup(filled[0], list(strongest), inputs.dataset)
    return {"moderators": pd.DataFrame(told)} | beside_published(forest, inputs.dataset) | tree, text


def fill_each(inputs: Inputs, frame: "pd.DataFrame", names: list[str], how: Screening) -> "list[pd.DataFrame]":
    """The moderators without blanks: once, or as many random times as there are imputations."""
    from bayesmeta import screening as screen
    from bayesmeta.data.datasets import DATASETS

    like, within = None, "" if how.impute == ACROSS else how.impute
    if how.impute not in (ACROSS, *frame.columns) and how.impute != Screening.impute:
        raise BadInput(f"--impute '{how.impute}' is neither a column nor '{ACROSS}'")
    known = DATASETS.get(inputs.dataset)
    if how.impute == ACROSS and known and known.record:
        like = known.record(str(inputs.frame.attrs["variant"]))
    seeds = [None] if how.imputations == 1 else range(how.seed, how.seed + how.imputations)
    return [screen.fill_in(frame, names, within=within, like=like, seed=seed) for seed in seeds]


def forest_tables(
    frame: "pd.DataFrame", codings: "list[Coded]", how: Screening, running: dict[str, Any]
) -> "dict[str, pd.DataFrame]":
    """r2cv, importance, dependence and so on. Draws are tuned on their means, imputations on the first."""
    import numpy as np
    import pandas as pd

    from bayesmeta import screening as screen

    with running["options"].steps("the target"):
        target = screen.target_of(frame, how.target, draws=how.draws, seed=how.seed)
        weights = screen.case_weights(frame, screen.total_tau2(frame))
    coded, typical = codings[0], target.values.mean(0)
    folds = screen.folds_of(frame[how.folds], seed=how.seed)
    r2cv = screen.r2cv_table(screen.tune(coded, typical, weights, folds, **running))
    tuning = screen.best_of(r2cv)
    weight = weights[tuning.weights]
    by = {name: frame[name] for name in BY}
    examined = screen.examine_draws(codings, target, weight, tuning, folds, **running)
    on_folds = screen.held_out_importance(examined)
    top = on_folds.nlargest(TOP, "importance")["moderator"].tolist()
    with running["options"].steps("pairs of moderators, number of trees"):
        forest = screen.grow(coded, typical, weight, tuning, np.arange(len(frame)), seed=how.seed)
        interactions = screen.interactions_table(forest, coded, top) if len(top) > 1 else pd.DataFrame()
        pairs = tuple(map(tuple, interactions[["first", "second"]][:PAIRS].to_numpy())) if len(interactions) else ()
        convergence = screen.convergence_table(coded, typical, weight, tuning, folds, seed=how.seed)
        out_of_bag = screen.out_of_bag_importance(coded, typical, weight, tuning, seed=how.seed)
    again = screen.run_replicates(
        codings, target, weight, tuning, frame["study"], count=how.resamples, pairs=pairs, **running
    )
    importance = screen.importance_table(screen.importance_of(again), on_folds, how.target)
    alone = screen.with_intervals(screen.dependence_table(forest, coded), again)
    both = [screen.with_intervals(screen.pair_dependence(forest, coded, *pair), again) for pair in pairs]
    tables = {
        "r2cv": r2cv.assign(folds=how.folds),
        "r2cv_folds": screen.r2cv_folds(coded, typical, weights, by, tuning, **running),
        "importance": importance.merge(out_of_bag.rename(columns={"importance": "out_of_bag"}), on="moderator"),
        "dependence": alone,
        "interactions": screen.with_intervals(interactions, again) if pairs else interactions,
        "pairs": pd.concat(both) if both else pd.DataFrame(),
        "convergence": convergence,
    } | ({"r2cv_draws": screen.r2cv_draws(examined)} if len(codings) + len(target.values) > 2 else {})
    return {name: table.assign(target=how.target) for name, table in tables.items()}


def beside_published(forest: "dict[str, pd.DataFrame]", dataset: str) -> "dict[str, pd.DataFrame]":
    """Importance and R2_cv with the published ones, where there are any."""
    import pandas as pd

    from bayesmeta.replication import published_forest, published_importance

    ranks, published = published_importance(dataset), published_forest(dataset)
    if ranks is None or published is None:
        return forest
    theirs = ranks[["moderator", "rank"]].rename(columns={"rank": "published_rank"})
    rows = published.drop(columns="source").assign(target="raw, as published")
    return forest | {
        "importance": forest["importance"].merge(theirs, how="left", on="moderator"),
        "r2cv_folds": pd.concat([forest["r2cv_folds"], rows], ignore_index=True),
    }


def tree_tables(
    frame: "pd.DataFrame", filled: "pd.DataFrame", how: Screening, running: dict[str, Any], *, dataset: str
) -> "dict[str, pd.DataFrame]":
    """tree, its steps and errors, stability: of the effect sizes as they are, whose errors a meta-tree weighs."""
    from bayesmeta import screening as screen
    from bayesmeta.replication import published_tree

    own = {name: frame[name] for name in ("study", "group", "yi", "vi")}
    table, names = filled.assign(**own), list(map(str, filled))
    with running["options"].steps("growing the tree"):
        grown = screen.grow_tree(table, names)
    errors = screen.cross_validate_tree(table, names, by=how.folds, **running)
    pruned = screen.prune(grown, errors)
    splits = screen.resampled_splits(table, names, splits=len(pruned.splits), resamples=how.resamples, **running)
    tables = {
        "tree": screen.tree_table(pruned, table),
        "tree_steps": screen.steps_table(grown, len(pruned.splits), published_tree(dataset)),
        "tree_errors": errors.assign(folds=how.folds),
        "tree_stability": screen.frequencies(splits, names, resamples=how.resamples),
    }
    return {name: table.assign(target="raw") for name, table in tables.items()}


def print_screen(
    console: "Console", tables: "dict[str, pd.DataFrame]", out: Path, how: Screening, *, synthetic: bool
) -> None:
    """The best forest, importance, the tree's leaves, and the command that lets the model judge."""
    from rich.markup import escape
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
        interval = interval_text(row["ci_lb"], row["ci_ub"], 3)
        table.add_row(
            escape(row["moderator"]), number_text(row["mean"], 3), interval, probability_text(row["p_rank_1"])
        )
    console.print(table)
    leaves = tables["tree"][tables["tree"]["leaf"]]
    for row in leaves.to_dict("records"):
        estimate = estimate_text(row["estimate"], row["ci_lb"], row["ci_ub"])
        console.print(
            f"leaf {row['node']}: {row['split']}: {estimate}, {row['k']} effects of {row['studies']} studies",
            highlight=False,
            markup=False,
        )
    console.print(
        f"the model judges: bayesmeta fit --dataset ... --model {out / 'followup.toml'}", highlight=False, markup=False
    )
    console.print(
        f"written to [bold]{escape(str(out))}[/bold]: tables/, figures/, followup.toml, provenance-screen.json"
    )
