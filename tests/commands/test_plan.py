"""`bayesmeta plan` as a user meets it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands.options import Scope, counts
from bayesmeta.commands.plan import gather, jobs_of, known_today
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference import quadrature
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.figures.planning import draw_plan, plan
from bayesmeta.planning import chosen_contrasts, curves_table, refit_each, sentences

COLUMNS = (
    "contrast studies per_arm replicates width width_se p_settled p_settled_se p_right "
    "current_width current_p floor_width"
)
MODEL = """
terms = "0 + valence"
levels = ["study", "group"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"fear - neutral" = "fear - neutral"
"""


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["plan", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own file of group means, and a model with one contrast beside it."""
    rng, folder = np.random.default_rng(5), tmp_path_factory.mktemp("own")
    study = np.repeat(np.arange(12), 2)
    valence = np.tile(["fear", "neutral"], 12)
    theta = np.where(valence == "fear", 0.25, 0.0) + rng.normal(0, 0.4, 12)[study]
    rows = {
        "study": study,
        "group": study,
        "valence": valence,
        "organism": np.where(study < 6, "human", "animal"),
        "m1i": theta + rng.normal(0, 0.3, 24),
        "sd1i": 1.0,
    }
    pd.DataFrame(rows | {"n1i": 20, "m2i": 0.0, "sd2i": 1.0, "n2i": 20}).to_csv(
        folder / "own.csv", index=False
    )
    (folder / "own.toml").write_text(MODEL)
    return folder


def small(own: Path, out: Path, *others: str) -> int:
    """A plan of few studies and futures."""
    given = ("--dataset", str(own / "own.csv"), "--model", str(own / "own.toml"), "--out", str(out))
    return run(
        *given,
        "--studies",
        "1,4",
        "--per-arm",
        "20,40",
        "--replicates",
        "12",
        "--workers",
        "1",
        *others,
    )


def test_writes_the_contract(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    assert small(own, tmp_path / "out", "--seed", "3") == 0
    table = pd.read_csv(tmp_path / "out" / "tables" / "plan.csv")
    assert " ".join(table.columns) == COLUMNS
    assert table[["studies", "per_arm"]].to_numpy().tolist() == [[1, 20], [4, 20], [1, 40], [4, 40]]
    assert set(table["replicates"]) == {12}
    assert {f"plan.{kind}" for kind in ("png", "svg", "csv")} == {
        p.name for p in (tmp_path / "out/figures").iterdir()
    }
    inputs = read_inputs(Request(str(own / "own.csv"), str(own / "own.toml")))
    posterior = quadrature.integrate_posterior(inputs.design, inputs.spec)
    mixture = quadrature.combination(posterior, np.array([1.0, -1.0]))
    assert table["current_p"].iloc[0] == pytest.approx(1 - mixture.cdf(0))
    assert table["current_width"].iloc[0] == pytest.approx(
        mixture.quantile(0.975) - mixture.quantile(0.025)
    )
    provenance = json.loads((tmp_path / "out" / "provenance-plan.json").read_text())
    assert provenance["seed"] == 3
    assert provenance["measured"] == {"fear - neutral": ["fear", "neutral"]}
    assert "tables/plan.csv" in provenance["outputs"]
    said = " ".join(capsys.readouterr().out.split())
    sentence = sentences(table, None)["fear - neutral"]
    measured = "Measured: fear (12 studies so far), neutral (12 studies so far)."
    assert f"- fear - neutral: {sentence} {measured}" in said


def test_a_seed_gives_its_numbers(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []
    for name, seed in (("one", "1"), ("same", "1"), ("other", "2")):
        monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / name / "cache"))
        assert (
            small(
                own,
                tmp_path / name,
                "--contrast",
                "fear",
                "--contrast",
                "fear - neutral",
                "--seed",
                seed,
            )
            == 0
        )
        tables.append(pd.read_csv(tmp_path / name / "tables" / "plan.csv"))
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0]["contrast"].unique().tolist() == ["fear", "fear - neutral"]
    assert not np.allclose(tables[0]["width"], tables[2]["width"])
    np.testing.assert_allclose(tables[0]["width"], tables[2]["width"], rtol=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--studies", "0:3"),
            "--studies is '0:3'; it should be whole numbers from 1 to 200, such as 5,10,20 or 1:20",
        ),
        (("--studies", "5:1"), "--studies is '5:1'"),
        (("--studies", "many"), "--studies is 'many'"),
        (("--studies", "1:201"), "--studies is '1:201'"),
        (("--per-arm", "20,1"), "--per-arm is '20,1'; it should be whole numbers from 2"),
        (("--per-arm", ""), "--per-arm is ''"),
        (
            ("--contrast", "fear - joy"),
            "contrast 'fear - joy' names unknown term 'joy'; the model has: fear, neutral",
        ),
        (("--stratum", "human"), "there is no stratum 'human'; this model has none"),
        (("--workers", "0"), "greater than or equal to 1"),
    ],
)
def test_bad_input_writes_nothing(
    own: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    assert small(own, tmp_path / "out", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_effects_than_g_have_no_size_of_an_arm(
    simulated: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated.to_csv(tmp_path / "own.csv", index=False)
    given = (
        "--dataset",
        str(tmp_path / "own.csv"),
        "--moderators",
        "valence",
        "--contrast",
        "fear - neutral",
    )
    assert run(*given, "--out", str(tmp_path / "out")) == 2
    assert (
        "--per-arm needs Hedges' g of two arms, but own has effects of another"
        in capsys.readouterr().err
    )
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]


def test_jobs_and_their_replicates(own: Path) -> None:
    inputs = read_inputs(Request(str(own / "own.csv"), str(own / "own.toml")))
    weights, terms = (
        chosen_contrasts(inputs.design, inputs.spec),
        {"fear - neutral": ["fear", "neutral"]},
    )
    today = known_today(inputs, weights, terms, Scope(replicates=60))
    first, second = (jobs_of(today, [2], [20, 30], seed) for seed in (1, 2))
    assert list(first) == [("fear - neutral", n, start) for n in (20, 30) for start in (0, 50)]
    assert not any(
        np.isclose(first[key].arguments[1], second[key].arguments[1]).any() for key in first
    )
    found = {job.name: refit_each(*job.arguments) for job in first.values()}
    table = gather(first, found)
    assert table.groupby("per_arm")["replicate"].apply(list).tolist() == [list(range(60))] * 2
    y, v = (
        np.concatenate([first["fear - neutral", 30, start].arguments[at] for start in (0, 50)])
        for at in (1, 2)
    )
    want = refit_each(today["fear - neutral"].start, y[55:56], v[55:56], [2])["width"].item()
    assert table.query("per_arm == 30 and replicate == 55")["width"].item() == pytest.approx(want)


def test_models_without_quadrature(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heavy = (
        MODEL.replace("levels", 'likelihood = "student"\nlevels')
        + '[priors.nu]\nprior = "Exponential(10)"\n'
    )
    (tmp_path / "heavy.toml").write_text(heavy)
    assert small(own, tmp_path / "out", "--model", str(tmp_path / "heavy.toml")) == 2
    assert "a plan is made by quadrature, so choose another --model" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_contrast_that_was_asked_for_is_skipped(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = MODEL.replace("0 + valence", "0 + organism:valence").replace(
        "levels", 'sides = "organism"\nlevels'
    )
    (tmp_path / "sides.toml").write_text(sides.partition("[contrasts]")[0])
    asked = ("--contrast", "human:fear", "--contrast", "animal:fear")
    assert small(own, tmp_path / "out", "--model", str(tmp_path / "sides.toml"), *asked) == 2
    assert (
        "new human studies measure no term of the contrasts ['animal:fear']"
        in capsys.readouterr().err
    )


def test_counts() -> None:
    assert counts("--studies", "1:3", 1, 9) == [1, 2, 3]
    assert counts("--studies", "9, 4,1:2,2", 1, 9) == [1, 2, 4, 9]
    with pytest.raises(BadInput, match="from 1 to 9"):
        counts("--studies", "10", 1, 9)


@pytest.mark.usefixtures("trace_data")
def test_humans_and_animals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    contrast = "human:emotional:memory - animal:fear:memory"
    given = (
        "--dataset",
        "translational",
        "--contrast",
        contrast,
        "--workers",
        "1",
        "--out",
        str(tmp_path / "out"),
    )
    assert run(*given, "--studies", "1,20", "--per-arm", "40", "--replicates", "20") == 0
    table = pd.read_csv(tmp_path / "out" / "tables" / "plan.csv").set_index("studies")
    said = " ".join(capsys.readouterr().out.split())
    today = "The sign is settled today, P(> 0) < .001"
    assert f"{contrast}: {today}; after 20 new human studies of 40 per arm" in said
    assert "Measured: human:emotional:memory (" in said
    inputs = read_inputs(Request("translational"))
    posterior = quadrature.integrate_posterior(inputs.design, inputs.spec)
    assert isinstance(posterior, quadrature.Joint)
    animal = (
        quadrature.terms_table(posterior.parts["animal"])
        .set_index("term")
        .loc["animal:fear:memory"]
    )
    # what new studies of persons cannot take away is the animals' interval
    assert table.loc[1, "floor_width"] == pytest.approx(animal["ci_ub"] - animal["ci_lb"], abs=1e-6)
    now, least = table.loc[1, ["current_width", "floor_width"]]
    assert (np.diff([now, table.loc[1, "width"], table.loc[20, "width"], least]) < 0).all()


def test_the_figure_draws_the_table() -> None:
    rows = [(c, m, n) for c in ("memory: a - b", "a:x - b:x") for n in (20, 40) for m in (1, 5, 10)]
    table = pd.DataFrame(rows, columns=["contrast", "studies", "per_arm"])
    table = table.assign(
        width=1 / table["studies"],
        width_se=0.01,
        p_settled=table["studies"] / 20,
        p_settled_se=0.02,
        current_width=1.5,
        current_p=0.9,
        floor_width=np.where(table["contrast"] == "a:x - b:x", 0.3, 0.0),
    )
    curves = curves_table(table)
    figure = draw_plan(curves, xlabel="new studies", title="t")
    axes = figure.axes
    assert [ax.get_title(loc="left") for ax in axes] == [
        "memory: a − b",
        "today P(> 0) = .90",
        "a, x − b, x",
        "today P(> 0) = .90",
    ]
    width, settled, floored, _ = axes
    drawn = next(line for line in width.lines if line.get_label() == "40 per arm")
    np.testing.assert_allclose(drawn.get_ydata(), [1, 0.2, 0.1])
    np.testing.assert_allclose(drawn.get_xdata(), [1, 5, 10])
    assert [line.get_ydata()[0] for line in width.lines if line.get_label() == "today"] == [1.5]
    assert [line.get_ydata()[0] for line in settled.lines if "8" in str(line.get_label())] == [0.8]
    assert 0.3 in [line.get_ydata()[0] for line in floored.lines]
    assert len(width.lines) == len(floored.lines) - 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "today",
        "20 per arm",
        "40 per arm",
        "probability .8",
    ]
    assert len(plan(curves, axes)) == 4
