"""Hostile models: formulas that execute, files elsewhere, markup in names, strings of 10 MB."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.commands import TABLE, write_table
from benchmarks.faults.forked import command, in_copy, load
from benchmarks.faults.journal import Journal, Try, counted

PART = "models"
MUTATIONS = 400  # models with one to three bytes or entries changed at random
SECONDS = 60
BASE = """\
terms = "0 + sex + dose"
levels = ["study", "effect"]
[priors.terms]
prior = "Normal(0, 1)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"difference" = "female - male"
"""
ACT = "__import__('pathlib').Path('executed').touch()"
LONG = "x" * 10_000_000
FORMULAS = [
    ACT,
    f"0 + {ACT}",
    f"np.log({ACT})",
    f"C({ACT})",
    f"{{{ACT}}}",
    f"I({ACT})",
    f"`{ACT}`",
    f"Q({ACT!r})",
    f"dose ** {ACT}",
    "np.load('/etc/passwd', allow_pickle=True)",
    "np.fromfile('/etc/passwd')",
    "np.lib.os.system('touch executed')",
    "().__class__.__base__.__subclasses__()",
    f"[{ACT} for x in [1]]",
    f"(lambda: {ACT})()",
    f"exec({ACT!r})",
    f"eval({ACT!r})",
    f"poly(dose, degree={ACT})",
    f"contr.treatment({ACT})",
    f"dose[{ACT}]",
    "@executed",
    f"dose if {ACT} else dose",
    "dose:" * 500 + "dose",
    "(" * 3000 + "dose" + ")" * 3000,
    "+".join(["dose"] * 20_000),
    "dose**99999999",
    "9" * 10_000 + "**" + "9" * 10_000,
    "np.exp(np.exp(dose**9))",
    LONG,
    "dose + " + LONG,
    "",
    "~",
    "\\u0000",
]
NAMES = [
    "<script>document.title='executed'</script>",
    '"><img src=x onerror=alert(1)>',
    "../../outside",
    "/etc/passwd",
    "!!python/object/apply:os.system ['touch executed']",
    "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${jndi:ldap://x}",
    "=cmd|'/C touch executed'!A0",
    "%n%n%s",
    "\\u202e\\u0007",
    "[bold]x[/bold",
    "x" * 300,
]
PLACES = [
    "/etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "../../../etc/shadow",
    "https://localhost/x.csv",
]
PLACES += ["file:///etc/passwd", ".", "absent.csv", "", "a\\u0000b", "x" * 5000, "s3://a/b.csv"]


def texts(seed: int) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of every hostile model."""
    for formula in FORMULAS:
        quoted = quote(formula)
        yield "formula", BASE.replace('"0 + sex + dose"', quoted)
        yield "formula", f"scale = {{study = {quoted}}}\n{BASE}"
        yield "formula", BASE.replace('"female - male"', quoted)
        yield "formula", BASE.replace('"Normal(0, 1)"', quoted)
        yield "formula", f"tau_by = {quoted}\n{BASE}"
    for name in NAMES:
        yield "name", BASE.replace('"difference"', quote(name))
        yield "name", f"title = {quote(name)}\n{BASE}"
        yield "name", BASE.replace('["study", "effect"]', f'["study", {quote(name)}]')
        yield "name", f"columns = {{study = {quote(name)}}}\n{BASE}"
    for place in PLACES:
        for suffix in ("", ".nwk"):
            file = quote(place + suffix)
            crossed = f'crossed = ["sex"]\ncorrelation = {{sex = {{file = {file}}}}}\n'
            yield "file", crossed + BASE
        yield "file", f"errors = {{file = {quote(place)}}}\n{BASE}"
    for long in (LONG, "[" * 100_000, "{" * 100_000, "a = " * 100_000, '"' * 1_000_000):
        yield "size", long
        yield "size", BASE + long
        yield "size", f"title = {quote(long)}\n{BASE}"
        yield "size", BASE.replace('"difference"', quote(long))
    rng = random.Random(seed)
    for _ in range(MUTATIONS):
        yield "changed at random", mutated(BASE_WITH_ALL, rng)


BASE_WITH_ALL = """\
title = "all"
terms = "0 + sex + dose"
levels = ["study", "effect"]
rope = 0.2

missing = "complete"
shared_controls = false
columns = {study = "study", yi = "yi"}
scale = {study = "~ dose"}
crossed = ["dose"]
[errors]
cluster = "study"
rho = 0.5
[priors.terms]
prior = "Normal(0, 1)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"difference" = "female - 0.5 * male"
"""
VALUES = ["-1", "0", "1e308", "nan", "inf", "true", '""', '"x"', "[]", "{}", "[1, 2]", '["a", "b"]']
VALUES += ["1979-05-27", "{a = 1}", "[[1]]", "1e-300", '"Normal(nan, 1)"', '"HalfNormal(-1)"']
VALUES += ['"Normal(0, 1e400)"', '"Beta(0,0)"', '"~ dose"', '"study"', "99999999999999999999"]


def mutated(text: str, rng: random.Random) -> str:
    """Return a model with some entries changed, dropped or doubled, or bytes changed."""
    lines = text.splitlines()
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(lines))
        change = rng.randrange(5)
        if change <= 1 and "=" in lines[at]:
            lines[at] = f"{lines[at].partition('=')[0]}= {rng.choice(VALUES)}"
        elif change == 2:
            lines[at] = ""
        elif change == 3:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif lines[at]:
            place = rng.randrange(len(lines[at]))
            character = chr(rng.choice([0, 10, 34, 39, 92, 200, 0x202E, rng.randrange(32, 127)]))
            lines[at] = lines[at][:place] + character + lines[at][place + 1 :]
    return "\n".join(lines)


def quote(text: str) -> str:
    """Return a TOML string."""
    if text.startswith("\\u") or "\\u0000" in text:
        return f'"{text}"'
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def run_models(folder: Path, journal: Journal, seed: int) -> None:
    """Read every hostile model with a table, and fit every eighth."""
    load()
    models = [
        (number, kind, text)
        for number, (kind, text) in enumerate(texts(seed))
        if (PART, f"{kind} {number}") not in journal
    ]
    for number, kind, text in counted("hostile models", models):
        place = folder / "place"
        shutil.rmtree(folder, ignore_errors=True)
        place.mkdir(parents=True)
        write_table(place / TABLE)
        (place / "model.toml").write_text(text, "utf-8", "surrogatepass")
        outcome = in_copy(fit if number % 8 == 0 else read, place, SECONDS)
        failures = [outcome.failure] if outcome.failure else []
        failures += strange_files(folder, outcome.code)
        ended = "refused" if outcome.code == 2 else "analysed"
        journal.keep(Try(PART, kind, f"{kind} {number}", tuple(failures), ended))


FIT = ("--sampler", "quadrature", "--draws", "50", "--out", "results")
fit = command("fit", TABLE, "--model", "model.toml", *FIT)


def read() -> None:
    """Read the table and the model, as every command does first."""
    from bayesmeta.commands.request import Request, read_inputs
    from bayesmeta.infrastructure.errors import BadInput

    try:
        read_inputs(Request(TABLE, "model.toml"))
    except BadInput as error:
        print(f"error: {error}")
        raise SystemExit(2) from error


def strange_files(folder: Path, code: int) -> list[str]:
    """Return files that no command writes, results of refused input, and markup that pages run."""
    expected = {TABLE, "model.toml", *(["results"] if code != 2 else [])}
    found = [path.name for path in (folder / "place").iterdir() if path.name not in expected]
    found += [path.name for path in folder.iterdir() if path.name not in ("place", "place.log")]
    pages = (folder / "place").rglob("*.html")
    found += ["markup" for page in pages if NAMES[0] in page.read_text(errors="replace")]
    return [f"written: {name}" for name in found]
