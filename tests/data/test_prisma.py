"""The flow of a search: counts that add up, and those that do not."""

from pathlib import Path
from typing import Any

import pytest

from bayesmeta.data.prisma import EXAMPLE, flow_table, read_flow
from bayesmeta.infrastructure.errors import BadInput

SEARCHES: dict[str, Any] = {
    "databases": {"PubMed": 60, "Embase": 40},
    "duplicates": 20,
    "records_excluded": 50,
    "not_retrieved": 2,
    "reports_excluded": {"no control": 8, "animals": 10},
}


def flow(included: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A flow of ten reports, with changed counts of the searches."""
    return {"searches": SEARCHES | changes, "included": included or {"studies": 9}}


def test_the_example_of_the_message_is_a_flow(tmp_path: Path) -> None:
    path = tmp_path / "search.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    title, table = read_flow(path)
    assert title == "Flow of the search"
    assert table["count"].iloc[-1] == 812 + 655 + 40 - 391 - 1003 - 4 - 31 - 18


def test_what_is_left_follows_from_what_is_left_out() -> None:
    table = flow_table(flow())
    kept = table[table["kept"]]
    assert kept["count"].tolist() == [100, 80, 30, 28, 10, 9, 10]
    assert "PubMed 60, Embase 40" in kept["what"].iloc[0]
    left_out = table[~table["kept"]].set_index("what")["count"]
    assert left_out["reports excluded: no control"] == 8


def test_other_methods_add_reports() -> None:
    other = {"records": {"citation searching": 5}, "not_retrieved": 1, "reports_excluded": 2}
    table = flow_table(flow({"studies": 9, "reports": 12}) | {"other_methods": other})
    assert table["count"].iloc[-1] == 12
    assert "1 report not retrieved" in (table["count"].astype(str) + " " + table["what"]).tolist()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (flow(screened=81), "screened is 81, and the counts before it leave 80"),
        (flow(assessed=20), "assessed is 20, and the counts before it leave 28"),
        (flow(duplicates=200), "too many are left out before"),
        (flow(reports_excluded=40), "more reports are excluded than are assessed"),
        (flow({"reports": 11}), "11 reports are included, and the counts before leave 10"),
        (flow({"studies": 11}), "a study has at least one report"),
        (flow(duplicates=-1), "duplicates is -1; it should be a whole number"),
        (flow(duplicates="many"), "duplicates is 'many'"),
        (flow(duplicate=3), "duplicate"),
        ({"searches": SEARCHES}, r"lacks \[searches\] or \[included\]"),
        ({"search": {}}, "search"),
        ({"searches": 3}, "it should be a table"),
    ],
)
def test_counts_that_do_not_add_up_are_refused(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        flow_table(entries)


def test_a_file_that_is_no_toml_is_refused_with_the_form(tmp_path: Path) -> None:
    path = tmp_path / "search.toml"
    path.write_text("databases: 3", encoding="utf-8")
    with pytest.raises(BadInput, match=r"\[searches\]"):
        read_flow(path)
