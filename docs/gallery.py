"""Draw the pictures of docs/gallery.md from a made-up table: `make gallery`."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import bayesmeta
from bayesmeta.data.prisma import EXAMPLE, parse_flow
from bayesmeta.output.figures import draw_flow

FOLDER = Path(__file__).parent / "gallery"
PAGE = Path(__file__).parent / "gallery.md"
DPI = 70
RESULTS = "reports/mine/three-level"
INTRODUCTION = """\
# Gallery

Every kind of picture, with the command that draws it. The table is made up: 24 trials of two
groups with their events, a dose, a year and judgements of the risk of bias. `make gallery` draws
this page again.
"""


class Drawn(NamedTuple):
    """A picture of the page: a kind, its options, and what it shows."""

    kind: str
    text: str
    options: dict[str, Any]
    dosed: bool = False  # of the model with a slope of dose

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return "-".join([self.kind, *map(str, self.options.values())][:2])

    @property
    def command(self) -> str:
        """Return the command that draws it."""
        options = "".join(f" --{name} {value}" for name, value in self.options.items())
        return f"bayesmeta plot {self.kind} {RESULTS}{options}"


PICTURES = (
    Drawn("forest", "A row per study, on the scale of the measure.", {}),
    Drawn("forest", "The same in another layout, sorted.", {"layout": "revman", "sort": "effect"}),
    Drawn("cumulative", "The mean after each study.", {"sort": "year"}),
    Drawn("bubble", "The mean along a moderator.", {"moderator": "dose"}, dosed=True),
    Drawn("funnel", "Effects against standard errors, with contours of significance.", {}),
    Drawn("zplot", "z values beside those that the model expects.", {}),
    Drawn("labbe", "The risks of two groups.", {}),
    Drawn("radial", "Galbraith's plot.", {}),
    Drawn("rob", "Risk of bias, by study and domain.", {}),
    Drawn("orchard", "Effects around their mean.", {}),
    Drawn("caterpillar", "True means of the studies.", {}),
    Drawn("taus", "Heterogeneity, prior and posterior.", {}),
)


def trials() -> pd.DataFrame:
    """Return 24 made-up trials."""
    rng = np.random.default_rng(4)
    dose = rng.choice([0.5, 1, 2, 5], 24)
    sizes = rng.integers(30, 160, (2, 24))
    odds = np.exp(rng.normal(-0.3 - 0.15 * dose, 0.3))
    treated = 0.35 * odds / (0.65 + 0.35 * odds)
    events = rng.binomial(sizes, [treated, np.full(24, 0.35)])
    columns = {"study": [f"Trial {letter} {1998 + at}" for at, letter in enumerate(LETTERS)]}
    columns |= {"year": 1998 + np.arange(24), "dose": dose}
    columns |= {"ai": events[0], "n1i": sizes[0], "ci": events[1], "n2i": sizes[1]}
    for domain in ("randomisation", "deviations", "missing data", "measurement", "selection"):
        columns[f"rob_{domain}"] = rng.choice(
            ["low", "some concerns", "high"], 24, p=[0.6, 0.3, 0.1]
        )
    return pd.DataFrame(columns)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWX"


def main() -> None:
    """Draw all pictures and write the page."""
    FOLDER.mkdir(exist_ok=True)
    frame = trials()
    trees = {
        dosed: bayesmeta.fit(frame, formula, measure="OR", sampler="quadrature", progress=False)
        for dosed, formula in ((False, "~ 1"), (True, "~ dose"))
    }
    parts = [INTRODUCTION]
    for picture in PICTURES:
        figure = bayesmeta.plot(trees[picture.dosed], picture.kind, **picture.options)
        figure.savefig(FOLDER / f"{picture.name}.png", dpi=DPI, bbox_inches="tight")
        parts.append(section(picture.name, picture.text, picture.command))
    title, table = parse_flow(EXAMPLE)
    draw_flow(table, title=title).savefig(FOLDER / "flow.png", dpi=DPI, bbox_inches="tight")
    parts.append(section("flow", "The flow of a search.", "bayesmeta flow search.toml"))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def section(name: str, text: str, command: str) -> str:
    """Return a picture of the page, with its text and command."""
    return f"## {text.rstrip('.')}\n\n```\n{command}\n```\n\n![{text}](gallery/{name}.png)\n"


if __name__ == "__main__":
    main()
