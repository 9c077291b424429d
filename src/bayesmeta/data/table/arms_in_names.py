"""Two groups, or two occasions, from the words in names of columns: "Mean, drug", "sd_pre"."""

from collections.abc import Iterable, Mapping

from bayesmeta.data.table.words import kind_of_group, meaning_of

COMPLETE = (
    {"m", "sd", "n"},
    {"m", "sem", "n"},
    {"a", "n"},
    {"a", "b"},
    {"median", "q1", "q3", "n"},
    {"median", "min", "max", "n"},
)
TARGETS_OF = {"a": ("ai", "ci"), "b": ("bi", "di")}  # other statistics are m1i and m2i
Names = Mapping[str, str]


def groups_of(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the column of every statistic, by group, of groups that no two columns contend for."""
    groups: dict[str, dict[str, str]] = {}
    contested = set[str]()
    for name in names:
        if (meaning := meaning_of(name)) is None:
            continue
        group = groups.setdefault(meaning.group, {})
        if meaning.statistic in group:
            contested.add(meaning.group)
        group[meaning.statistic] = name
    return {group: columns for group, columns in groups.items() if group not in contested}


def complete_groups(names: Iterable[str], *, sized: bool = False) -> dict[str, dict[str, str]]:
    """Return the groups from which an effect may be computed, if it is compared with another.

    sized : whether the sizes of the groups are known otherwise.
    """
    groups = groups_of(names)
    known = {"n"} if sized else set()
    return {
        group: columns
        for group, columns in groups.items()
        if group and any(form <= {*columns, *known} for form in COMPLETE)
    }


def occasions_of(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the columns of the occasions before and after, if there are both of one group."""
    groups = groups_of(names)
    kinds = {group: kind_of_group(group) for group in groups}
    named = {kind: groups[group] for group, kind in kinds.items() if kind in ("before", "after")}
    return named if {*named} == {"before", "after"} else {}


def two_groups(names: Iterable[str], *, sized: bool = False) -> list[tuple[dict[str, str], str]]:
    """Return columns of two groups with the meaning: one reading, or both directions, or none."""
    groups = complete_groups(names, sized=sized)
    kinds = {group: kind_of_group(group) for group in groups}
    if len(groups) != 2 or {"before", "after"} & {*kinds.values()}:
        return []
    first, second = sorted(groups, key=lambda group: _rank(kinds[group]))
    readings = [(first, second)]
    if _rank(kinds[first]) == _rank(kinds[second]):
        readings.append((second, first))
    return [
        (group_columns(groups[arm], groups[control]), f"{arm} compared with {control}")
        for arm, control in readings
    ]


def group_columns(first: Names, second: Names) -> dict[str, str]:
    """Return the package's names to the columns of the group of interest and of its control."""
    columns: dict[str, str] = {}
    for number, group in enumerate((first, second)):
        for statistic, name in group.items():
            pair = TARGETS_OF.get(statistic, (f"{statistic}1i", f"{statistic}2i"))
            columns[pair[number]] = name
    return columns


def change_columns(names: Iterable[str]) -> dict[str, str]:
    """Return the columns of a mean that is measured twice; group 1 is the later occasion."""
    names = list(names)
    occasions = occasions_of(names)
    if not occasions:
        return {}
    single = groups_of(names).get("", {})
    columns = group_columns(occasions["after"], occasions["before"])
    sizes = [columns.pop(name, "") for name in ("n1i", "n2i")]
    size = next((name for name in (*sizes, single.get("n", "")) if name), "")
    return columns | ({"ni": size} if size else {})


def _rank(kind: str) -> int:
    return {"treatment": 0, "control": 2}.get(kind, 1)
