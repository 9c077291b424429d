"""The main job, from a dataset's name or a file to a folder of results: a table of contents of the package."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.commands import console as summary
from bayesmeta.commands.request import Inputs, Request, choose_model, keep_rows, read_effects, show_inputs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from bayesmeta.model.spec import ModelSpec


QUADRATURE = "quadrature"


@dataclass(frozen=True)
class Sampling:
    """How to sample; the defaults are the command line's."""

    sampler: str = "numpyro"
    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    seed: int = 1


def run_fit(request: Request, how: Sampling, out: Path | None, console: "Console") -> int:
    """Fit a model and write its folder.

    Returns
    -------
    int
        0 when every diagnostic passed, 1 when one failed (all is written and the console says which).

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    if of_directions(request):
        return _fit_directions(request, how, out, console, steps)
    inputs = show_inputs(request, steps, console)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    with steps("starting JAX and PyMC"):
        from bayesmeta.inference.nuts import check_sampler
        from bayesmeta.output import folders
    if how.sampler != QUADRATURE:
        check_sampler(how.sampler)
    with folders.staging(out) as folder:
        tree = draw_posterior(inputs.design, inputs.spec, how, steps)
        provenance = provenance_of(asdict(request) | asdict(how) | inputs.choices(out), attrs)
        tables = folders.fit_tables(tree)
        diagnostics = folders.write_fit(folder, tree, tables, provenance, steps)
    summary.print_fit(console, tables, diagnostics, out, synthetic=provenance["synthetic"])
    return 0 if diagnostics["passed"] else 1


def draw_posterior(design: "xr.Dataset", spec: "ModelSpec", how: Sampling, steps: Steps) -> "xr.DataTree":
    """Draws by NUTS, or independent ones by quadrature; the same tree either way."""
    options: Any = {"draws": how.draws, "chains": how.chains, "seed": how.seed}
    if how.sampler == QUADRATURE:
        from bayesmeta.inference.nuts import start_jax
        from bayesmeta.inference.quadrature import quadrature_posterior

        start_jax(devices=1)
        return quadrature_posterior(design, spec, steps=steps, **options)
    from bayesmeta.inference.nuts import sample_posterior

    return sample_posterior(design, spec, sampler=how.sampler, tune=how.tune, steps=steps, **options)


def of_directions(request: Request) -> bool:
    """Whether directions are asked for: by a dataset that has them alone, or by a model of them."""
    from bayesmeta.data.datasets import DATASETS
    from bayesmeta.model.spec import ORDERED, read_spec

    known = DATASETS.get(request.dataset or "")
    if known is not None and known.outcome == "directions":
        return True
    return request.model is not None and read_spec(request.model).likelihood == ORDERED


def _fit_directions(request: Request, how: Sampling, out: Path | None, console: "Console", steps: Steps) -> int:
    """`run_fit` of directions without effect sizes."""
    with steps("reading the data"):
        inputs = read_directions(request)
    from bayesmeta.inference import ordinal
    from bayesmeta.output import folders
    from bayesmeta.output.folders.ordinal import direction_tables, write_directions

    for line in ordinal.opening(inputs.design, inputs.frame.attrs):
        console.print(line, highlight=False, markup=False)
    out = inputs.folder(out)
    with folders.staging(out) as folder:
        tree = ordinal.sample_directions(inputs.design, inputs.spec, steps=steps, **asdict(how))
        provenance = provenance_of(asdict(request) | asdict(how) | inputs.choices(out), inputs.frame.attrs)
        tables = direction_tables(tree)
        diagnostics = write_directions(folder, tree, tables, provenance, steps)
    for line in ordinal.directions_told(tables):
        console.print(line, highlight=False, markup=False)
    summary.print_fit(console, tables, diagnostics, out, synthetic=provenance["synthetic"])
    return 0 if diagnostics["passed"] else 1


def read_directions(request: Request) -> Inputs:
    """Table, model and design; a contrast that names an unknown term is refused, as for effect sizes."""
    from bayesmeta.inference.ordinal import build_directions
    from bayesmeta.model.design.contrasts import contrast_weights

    frame = read_effects(request)
    spec = choose_model(request, frame)
    design = build_directions(frame, spec)
    contrast_weights(spec.contrasts_of(str(frame.attrs["dataset"])), [str(term) for term in design["term"].values])
    kept = frame if request.where is None else keep_rows(frame, request.where)
    return Inputs(kept, spec, design if kept is frame else build_directions(kept, spec), [])
