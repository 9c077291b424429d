"""On the TRACE animals the trees are metacart's, and beside the published one."""

import json
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.data import datasets
from bayesmeta.infrastructure.files import root
from bayesmeta.screening.cart import Choices, grow, nodes_of
from bayesmeta.screening.pruning import cross_validate, kept_splits
from bayesmeta.screening.running import JobOptions
from promised import unavailable

GREEDY = Choices(max_splits=5, look_ahead=False)
# of the published screening of the animals, in the order of the effect table
MODERATORS = [
    "organism",
    "comparison",
    "phase",
    "valence",
    "information_type",
    "cue_context",
    "sex",
    "control_type",
]
MODERATORS += [
    "ptsd_type",
    "population",
    "measure_kind",
    "rhythm",
    "age_class",
    "time_pseudo_years",
]


@pytest.fixture(scope="module")
def animals(trace_data: object) -> pd.DataFrame:
    """The preclinical effects with modes or medians for blanks, metacart's names and codes."""
    table = datasets.read("preclinical")
    for name in MODERATORS:
        column = table[name]
        numeric = pd.api.types.is_numeric_dtype(column)
        table[name] = column.fillna(column.median() if numeric else column.mode()[0])
    codes = {name: table[name].astype(str).str[0].str.upper() for name in ("phase", "valence")}
    return table.assign(
        **codes,
        **{
            "information.type": table["information_type"],
            "time.since.trauma": table["time_pseudo_years"],
        },
    )


@pytest.fixture(scope="module")
def oracle(trace_oracle: pd.DataFrame) -> pd.DataFrame:
    """The same rows as R had them."""
    rows = trace_oracle.query("in_calibrated == 'TRUE' and `subject.cat` == 'Animal'")
    numbers = {"yi": "yi", "vi": "vi", "time.since.trauma": "time.pseudo"}
    table = pd.DataFrame({name: pd.to_numeric(rows[column]) for name, column in numbers.items()})
    table["time.since.trauma"] = table["time.since.trauma"].fillna(
        table["time.since.trauma"].median()
    )
    return table.assign(
        phase=rows["phase"], valence=rows["valence"], **{"information.type": rows["type"]}
    )


def reference(name: str) -> dict[str, object]:
    path = root() / ".." / "shared" / "reference" / name
    if not path.is_file():
        unavailable(f"the reference {name}")
    return json.loads(path.read_text())


@pytest.mark.parametrize("source", ["animals", "oracle"])
@pytest.mark.parametrize("third", ["information.type", "time.since.trauma"])
def test_unpruned_greedy_trees_are_those_of_metacart(
    third: str, source: str, request: pytest.FixtureRequest
) -> None:
    rows, key = request.getfixturevalue(source), f"phase+valence+{third}"
    unsplit, *want = reference("metacart_small.json")[key]
    tree = grow(rows, key.split("+"), GREEDY)
    assert tree.tau2 == pytest.approx(unsplit["tau2"], abs=1e-6)
    assert [split.parent for split in tree.splits] == [step["pleaf"] for step in want]
    told = [
        f"{each.moderator} = {'/'.join(each.left)}"
        if each.left
        else f"{each.moderator} <= {each.cut:.2f}"
        for each in tree.splits
    ]
    assert told == [step["split"] for step in want]
    assert [split.Qb for split in tree.splits] == pytest.approx(
        [step["Qb"] for step in want], abs=1e-4
    )
    assert [split.tau2 for split in tree.splits] == pytest.approx(
        [step["tau2"] for step in want], abs=1e-6
    )


def test_look_ahead_over_all_moderators_splits_as_published(animals: pd.DataFrame) -> None:
    published = reference("trace_metafor.json")["published_metacart"]["preclinical"]
    tree = grow(animals, MODERATORS)
    found = [(split.parent, split.moderator) for split in tree.splits]
    steps = [
        (step["parent_leaf"], step["split"].split(" = ")[0].replace(".", "_"))
        for step in published["splits"]
    ]
    assert found[:4] == steps[:4]
    assert (found[4][0], found[5]) == (
        8,
        (10, "population"),
    )  # the fifth leaf by time, published by rhythm
    assert tree.splits[0].left == ("olfactory", "safety", "spatial", "visual")
    assert tree.splits[1].left == ("E",)
    assert tree.splits[3].left == ("FS", "Mixed", "SD", "SPS", "UWT")
    # the pruned tree, of seven splits, beside the published one
    assert tree.splits[6].Qb == pytest.approx(published["Qb"], rel=0.04)
    assert tree.splits[6].tau2 == pytest.approx(published["tau2_resid"], abs=0.01)
    assert tree.splits[6].Qb == pytest.approx(1807.7876, abs=1e-3)


def test_the_published_first_two_splits_are_a_tie_that_the_order_of_moderators_decides(
    animals: pd.DataFrame,
) -> None:
    # every extinction effect has the information type threat: either first split gives the
    # same three leaves
    pair = Choices(max_splits=2)
    one, other = (grow(animals, names, pair) for names in (MODERATORS, MODERATORS[::-1]))
    assert [split.moderator for split in one.splits] == ["information_type", "phase"]
    assert [split.moderator for split in other.splits] == ["phase", "information_type"]
    assert one.splits[1].Qb == pytest.approx(other.splits[1].Qb, rel=1e-12)
    assert (
        pd.crosstab(*(nodes_of(tree, animals)[-1] for tree in (one, other))).gt(0).to_numpy().sum()
        == 3
    )


@pytest.mark.slow
def test_folds_by_effect_keep_splits_that_folds_by_study_do_not(
    animals: pd.DataFrame, tmp_path: Path
) -> None:
    names = ["phase", "information_type", "ptsd_type", "population", "time_pseudo_years"]
    options = {"choices": Choices(max_splits=7), "options": JobOptions(workers=1, cache=tmp_path)}
    by_effect, by_study = (
        cross_validate(animals, names, by=by, **options) for by in ("effect", "study")
    )
    assert kept_splits(by_effect) > kept_splits(by_study) == 2
    # beyond two splits, the error falls in other effects of the same studies, not in others
    assert by_effect["error"][7] < by_effect["error"][2] - 0.08
    assert by_study["error"][7] > by_study["error"][2] - 0.03
