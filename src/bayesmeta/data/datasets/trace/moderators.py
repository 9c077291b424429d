"""Steps 9, 11 and 12: moderators recoded from free text, and the risk of bias of search 1."""

import re

import numpy as np
import pandas as pd

from bayesmeta.data.datasets.trace.sheets import read_workbook, trim_cells
from bayesmeta.data.datasets.trace.tables import factors, recode, table
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

# of the published forests (doi 10.1038/s41398-023-02660-7), by importance in animals
PREDICTORS = (
    "phase valence information_type time_since_trauma control_type ptsd_type rhythm measure_kind "
    "cue_context population sample comparison age_class sex"
)
PUBLISHED = tuple(PREDICTORS.split())
RECODED = {
    "sex": "sex_text",
    "control_type": "control_text",
    "ptsd_type": "ptsd_type_raw",
    "population": "population_text",
    "measure_kind": "outcome",
    "rhythm": "rhythm_text",
    "age_class": "age_text",
}  # moderators, and the columns of free text that they are recoded from
NUMBER = r"(\d+(?:[.,]\d+)?)"
RANGE = NUMBER + r"\s*-\s*" + NUMBER
WEIGHT_ONLY = re.compile(r"weig|\d\s?g\b")
USUAL_AGE = 8.0  # weeks; of animals for which a weight alone is given
PSEUDO_DAYS = {"human": 1.0, "rat": 11.8, "mouse": 2.6}
BIAS_SHEET = re.compile(r"RoBQA_(animal|human)_search\d")  # their first row is a second header
SCORES = {"Y": 0.0, "unclear": 0.5, "N": 1.0}


def add_moderators(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the moderators of the effect table.

    `data/trace/patterns.csv` and `units.csv` hold the rules. `age` is in years (human) or weeks,
    `time_since_trauma` in years (human) or days, and `time_pseudo_years` counts 11.8 days of a rat
    and 2.6 of a mouse as a year.

    Source: doi:10.1038/s41398-023-02660-7.
    """
    species = rows["species"]
    age = ages(rows)
    time = times(rows["time_text"], species)
    classes = {name: recode(name, rows[text], species) for name, text in RECODED.items()}
    return rows.assign(
        organism=species.where(species == "human", "animal"),
        reference=rows["author"] + " " + rows["year"],
        age=age,
        time_since_trauma=time,
        time_pseudo_years=time / species.map(PSEUDO_DAYS),
        **classes | {"age_class": classes["age_class"].fillna(age_classes(age, species))},
    )


def ages(rows: pd.DataFrame) -> pd.Series:
    """Return the age of the PTSD group.

    It is the first number of the text, or the middle of a range at its beginning. A weight instead
    of an age, in the text or in its column, stands for a grown animal of 8 weeks.
    """
    text = rows["age_text"].fillna("")
    weighed = text.str.contains(WEIGHT_ONLY)
    ends = text.str.extract(rf"^\W*{RANGE}").map(_number, na_action="ignore").astype(float)
    first = _numbers(text.str.extract(NUMBER)[0])
    number = ends.mean(axis=1).fillna(first)
    years = (number * factors("age", text, rows["species"])).mask(weighed)
    grown = (rows["species"] != "human") & (weighed | rows["weight"].notna())
    return years.mask(years.isna() & grown, USUAL_AGE)


def times(text: pd.Series, species: pd.Series) -> pd.Series:
    """Return the time since trauma: the middle of the first range that goes up, or a number."""
    first = _numbers(text.str.extract(NUMBER)[0])
    middle = text.map(_middle, na_action="ignore").astype(float)
    return middle.fillna(first) * factors("time", text, species)


def age_classes(age: pd.Series, species: pd.Series) -> pd.Series:
    """Return the class of an age within its species, by the bounds in `data/trace/ages.csv`."""
    classes = pd.Series(None, index=age.index, dtype="str")
    for name, bounds in table("trace/ages").groupby("species"):
        rows = (species == name) & age.notna()
        lower = bounds["from"].astype(float).to_numpy()
        step = np.searchsorted(lower, age[rows].to_numpy(), side="right") - 1
        classes[rows] = bounds["age_class"].to_numpy()[step]
    return classes


def risk_of_bias(source: Source) -> pd.DataFrame:
    """Return the sum over the items (yes 0, unclear .5, no 1), a row per search and study.

    `risk_of_bias` is missing if an item is C (the assessors' mark for software);
    `risk_of_bias_c_unclear` counts C as unclear. Raise BadInput as `bias_sheets`.
    """
    sheets = bias_sheets(source).items()
    parts = [_scores(sheet).assign(search_number=name[-1]) for name, sheet in sheets]
    return pd.concat(parts, ignore_index=True).drop_duplicates(["study", "search_number"])


def bias_sheets(source: Source) -> dict[str, pd.DataFrame]:
    """Return the sheets RoBQA_(animal|human)_searchN; raise BadInput without them or their PMID."""
    book = read_workbook(source)
    sheets = {name: sheet for name, sheet in book.items() if BIAS_SHEET.fullmatch(name)}
    if not sheets or any("PMID" not in sheet for sheet in sheets.values()):
        raise BadInput(f"{source.name!r} must have sheets {BIAS_SHEET.pattern} with a column PMID")
    return {name: trim_cells(sheet.iloc[1:]) for name, sheet in sheets.items()}


def _scores(sheet: pd.DataFrame) -> pd.DataFrame:
    items = sheet.filter(regex=r"^RoBQA_(syrcle|NOS)_")
    marks = items.apply(lambda column: column.str.extract("^(Y|N|C|unclear)")[0])
    scores = marks.apply(lambda column: column.map(SCORES))
    unclear = scores.mask(marks == "C", SCORES["unclear"])
    sums = {"risk_of_bias": scores, "risk_of_bias_c_unclear": unclear}
    columns = {name: part.sum(axis=1, skipna=False) for name, part in sums.items()}
    return pd.DataFrame({"study": sheet["PMID"], **columns})


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _numbers(text: pd.Series) -> pd.Series:
    return text.map(_number, na_action="ignore").astype(float)


def _middle(text: str) -> float:
    pairs = ((_number(low), _number(high)) for low, high in re.findall(RANGE, text))
    return next(((low + high) / 2 for low, high in pairs if low < high), np.nan)
