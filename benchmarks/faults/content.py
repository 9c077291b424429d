"""The content of a folder of results, without the seconds and dates of a run."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

TIMED = ("timings",)  # in a record of provenance
TIMED_ATTRS = ("created_at", "sampling_time")  # of draws by NUTS
LOG = "report.log"  # of every run, the stopped ones among them
PARTS = ["fit", "supported", "data", "compare", "comparison", "check", "lint", "multiverse"]
PARTS += ["average", "screen", "live"]
Content = dict[str, str]


def content_of(folder: Path) -> Content:
    """Return a hash for every file below a folder, by relative path; {} if it is absent."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _hash(path) for path in paths if path.name != LOG}


def damaged_records(folder: Path) -> list[str]:
    """Return the files that a record of provenance lists with another hash, or that are absent."""
    wrong = []
    for path in folder.rglob("provenance*.json"):
        for name, digest in json.loads(path.read_text("utf-8"))["outputs"].items():
            file = path.parent / name
            if not file.is_file() or _sha256(file.read_bytes()) != digest:
                wrong.append(f"{path.name}: {name}")
    return wrong


def _hash(path: Path) -> str:
    if path.match("provenance*.json"):
        record = json.loads(path.read_text("utf-8"))
        record["outputs"] = sorted(record.get("outputs", ()))
        return _sha256(json.dumps(_timeless(record), sort_keys=True).encode())
    if path.suffix == ".nc":
        return _hash_of_tree(path)
    if path.name == "parts.csv":
        return _sha256(pd.read_csv(path)[["part", "reason"]].to_csv().encode())
    if path.name == "index.html":
        return _sha256(_without_seconds(path.read_text("utf-8")).encode())
    return _sha256(path.read_bytes())


def _hash_of_tree(path: Path) -> str:
    """Return the hash of all values, coordinates and attributes of a posterior."""
    digest = hashlib.sha256()
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        for node in tree.subtree:
            digest.update(repr((node.path, _attributes(node.attrs))).encode())
            for name, values in sorted(node.variables.items()):
                digest.update(repr((name, values.dims, _attributes(values.attrs))).encode())
                array = values.to_numpy()
                plain = array.dtype.kind in "biuf"
                digest.update(array.tobytes() if plain else repr(array.tolist()).encode())
    return digest.hexdigest()


def _attributes(attrs: Any) -> list[tuple[str, str]]:
    found = {name: value for name, value in attrs.items() if name not in TIMED_ATTRS}
    if "provenance" in found:
        found["provenance"] = json.dumps(_timeless(json.loads(found["provenance"])))
    return sorted((str(name), str(value)) for name, value in found.items())


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in TIMED}


def _without_seconds(page: str) -> str:
    """Return a page without the state and the seconds of its parts."""
    page = re.sub(r'(download="(provenance_)?parts.csv" href=")[^"]*', r"\1", page)
    rows = rf'(<tr><td class="text"[^>]*>({"|".join(PARTS)})</td>.*?)<td[^>]*>[^<]*</td></tr>'
    page = re.sub(rows, r"\1</tr>", page)
    return re.sub(r'<td class="text">(done|kept)</td>', "<td></td>", page)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
