"""Files of `bayesmeta live`."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayesmeta.output.folders.folder import Folder
from bayesmeta.output.live import live_page
from bayesmeta.output.pages.report import LIVE_PAGE


def write_live(folder: Folder, payload: Mapping[str, Any], design: xr.Dataset) -> None:
    """Write live.html, to which the report links."""
    with folder.steps("writing the page"):
        folder.write_text(LIVE_PAGE, live_page(payload, folder.about(design)))
