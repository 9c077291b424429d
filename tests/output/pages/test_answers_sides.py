"""Sentences on a model with sides: discrepancies and statements."""

from pathlib import Path

from bayesmeta.output.pages.answers import sentences
from results_by_hand import CONCORDANCE, SIDES, folder, tables_of_fit


def test_a_model_with_sides_has_discrepancies(tmp_path: Path) -> None:
    tables = tables_of_fit(human_fear=0.1, animal_fear=0.9) | {
        "discrepancies": SIDES,
        "concordance": CONCORDANCE,
    }
    text = sentences(folder(tmp_path / "a", tables), html=False)["estimated"]
    assert text == (
        "The human mean is lower than the animal mean for fear learning (−0.74 [−1.20, −0.30], "
        "P > .999), and higher for neutral memory (0.76 [0.40, 1.10], P > .999); the sign of the "
        "difference is open for extinction (0.10 [−0.20, 0.40], P = .70); there are too few "
        "studies for a verdict on trauma memory (−1.40 [−2.00, −0.80], P > .999); statements of "
        "the model that hold on both sides: impaired (P > .999); statements of the model that fail "
        "on a side: enhanced (P = .010)."
    )


def test_discrepancies_without_a_settled_sign(tmp_path: Path) -> None:
    tables = tables_of_fit(human_fear=0.1, animal_fear=0.9) | {"discrepancies": SIDES[2:3]}
    text = sentences(folder(tmp_path / "a", tables), html=False)["estimated"]
    assert text.startswith(
        "No difference between human and animal is settled; the sign of the difference is open for"
    )
