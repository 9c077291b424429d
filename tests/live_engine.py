"""The engine of the live page, in Node: the same module that a reader's browser runs."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.model.spec import ModelSpec
from bayesmeta.output import live
from bayesmeta.output.live.encoding import encoded_model, encoded_table, floats
from promised import unavailable

RUNNER = Path(__file__).parent / "output" / "live" / "run_engine.mjs"
MODULES = Path(live.__file__).parent


def node() -> str:
    """Return the path of Node; say so where there is none."""
    path = shutil.which("node")
    if path is None:
        unavailable("node, which runs the live page's script outside a browser,")
    return path


def ask(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers of the engine."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(
        [node(), str(RUNNER), str(MODULES)],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def request(design: xr.Dataset, spec: ModelSpec, contrasts: np.ndarray, **more: Any) -> Any:
    """Return a request for a posterior, with contrasts (n, p) besides the terms."""
    table = {"table": encoded_table(design), "model": encoded_model(design, spec)}
    return {"ask": "posterior", **table, "combinations": floats(contrasts), "rope": 0.2, **more}
