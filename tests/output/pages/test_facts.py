"""Facts: counts and choices that the prose needs and no other table holds."""

from pathlib import Path

import pandas as pd

from bayesmeta.output.pages.facts import facts_table
from results_by_hand import CELLS, COMPARISON, DOUBTS, folder, tables_of_fit


def test_facts_keep_their_values_as_they_are_written(tmp_path: Path) -> None:
    tables = tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS
    facts = facts_table(folder(tmp_path / "toy", tables))
    facts.to_csv(tmp_path / "facts.csv", index=False)
    again = pd.read_csv(tmp_path / "facts.csv", dtype=str, keep_default_na=False)
    assert again["value"].tolist() == [str(value) for value in facts["value"]]
    values = dict(zip(facts["fact"], facts["value"], strict=True))
    assert (values["effects"], values["means open"], values["draws in all"], values["seed"]) == (
        1086,
        1,
        4000,
        17,
    )
    assert values["prior: tau"] == "HalfNormal(1)"
    assert values["conclusions: overturned"] == 1
    assert "diagnostic: passed" not in values
