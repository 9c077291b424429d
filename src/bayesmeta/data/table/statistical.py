"""Tables of statistical packages: Stata, SAS and SPSS, with their labels in place of codes."""

import io
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from bayesmeta.data.table.cells import Cells
from bayesmeta.data.table.limits import check_shape
from bayesmeta.infrastructure.errors import BadInput


def statistical_cells(content: bytes, kind: str) -> Cells:
    """Return the names of the columns and the rows of a .dta, .sas7bdat, .xpt, .sav or .zsav file.

    Values with labels are read as their labels, missing values of any kind as blank. Raise BadInput
    if the package that reads SPSS files is not installed.
    """
    frame = _frame(content, kind)
    check_shape(*frame.shape)
    columns = [frame[name].astype(object).where(frame[name].notna(), None) for name in frame]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Cells([[str(name) for name in frame.columns], *rows])


def _frame(content: bytes, kind: str) -> pd.DataFrame:
    if kind == ".dta":
        return pd.read_stata(io.BytesIO(content))
    if kind in (".sas7bdat", ".xpt"):
        form = "xport" if kind == ".xpt" else "sas7bdat"
        return pd.read_sas(io.BytesIO(content), format=form, encoding="utf-8")  # type: ignore[call-overload]
    if find_spec("pyreadstat") is None:
        reason = "SPSS files are read by the package pyreadstat, which is not installed"
        raise BadInput(f"{reason}: pip install pyreadstat; or save the table as .csv or .xlsx")
    with TemporaryDirectory() as folder:  # pandas reads SPSS files by their path alone
        path = Path(folder) / f"table{kind}"
        path.write_bytes(content)
        return pd.read_spss(path)
