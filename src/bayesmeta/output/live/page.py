"""The live page as HTML: it needs no other file, asks no network, and runs no text of the table.

Names and numbers are JSON in a block that browsers do not run, with `<` escaped; the script shows
them as text only. The policy of the page permits its script and its style by their hashes, a
worker made from the same script, and nothing else.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from bayesmeta.model.spec.families import families_of
from bayesmeta.output.pages.rendering import TEMPLATES

ENGINE = (
    *("numbers", "special", "families", "arrays", "kernel", "rules", "ranges", "taus", "grid"),
    *("rho", "posterior", "mixtures", "heterogeneity", "without", "deletion"),
)
AS_REPORTED = "as in the report"  # a prior of taus by level, or of their total, as in `state.mjs`
MODULES = (  # in the order of what they use
    *(f"engine/{name}" for name in ENGINE),
    *("data", "answers", "calculator", "state", "texts", "words"),
    *("elements", "forest", "pictures", "controls", "funnel"),
    *("results", "robustness", "studies", "new_study", "settings", "page"),
)


def live_page(payload: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return the page.

    `payload` is from `payload_of`; `about` has dataset, model, title, synthetic, notes, source.
    """
    script = minified(script_text())
    style = TEMPLATES.get_template("live.css").render()
    content = {**payload, "about": {key: about[key] for key in ("dataset", "model", "title")}}
    return TEMPLATES.get_template("live.html.j2").render(
        **about,
        left_out=payload["leftOut"],
        warning=payload["warning"],
        measure=payload["measure"],
        rows=_rows(payload),
        **_choices(payload),
        data=Markup(json_text(content)),
        script=Markup(script),
        style=Markup(style),
        policy=policy(script, style),
    )


def json_text(content: Any) -> str:
    """Return JSON that may stand in a script element: no `<`, and nothing beyond ASCII."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def script_text() -> str:
    """Return the modules of the page as a single script, without imports and exports.

    A worker of a page that is read from a file cannot be a module.
    """
    parts = ["(() => {", '"use strict";']
    for name in MODULES:
        text = (files("bayesmeta.output.live") / f"{name}.mjs").read_text(encoding="utf-8")
        lines = text.splitlines()
        kept = (line for line in lines if not line.startswith("import "))
        parts += [line.removeprefix("export ") for line in kept]
    return "\n".join(["", *parts, "})();", ""])


def minified(script: str) -> str:
    """Return a script without comments and with short names, where the minifier is installed.

    It has no wheel for some machines (pyproject.toml); there a page has the script as it is.
    """
    try:
        import minify
    except ImportError:
        return script
    return str(minify.string("application/javascript", script))


def policy(script: str, style: str) -> str:
    """Return the Content-Security-Policy of the page."""
    rules = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "worker-src": "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _choices(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields of the page list; the script shows the state in them."""
    model = payload["model"]
    single_tau_prior = not {"byLevel", "allocation"} & set(model["tau"])
    families = [*([] if single_tau_prior else [AS_REPORTED]), *sorted(families_of("tau"))]
    names = payload["names"]
    a, b = payload["rhoIfEstimated"]
    return {
        "conclusions": list(enumerate(names)),
        "has_contrasts": len(names) > len(payload["means"]),
        "families": [(family, family) for family in families],
        "moderators": payload["moderators"],
        "sems": payload["sems"],
        "rho_prior": f"Beta({a:g}, {b:g})",
        "single_prior": model["terms"]["scale"] is not None,
        "single_tau_prior": single_tau_prior,
    }


def _rows(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the table that stands on the page before its script runs."""
    columns = payload["reference"]
    names = payload["names"]
    numbers = zip(*columns.values(), strict=True)
    pairs = zip(names, numbers, strict=True)
    return [{"name": name, **dict(zip(columns, values, strict=True))} for name, values in pairs]
