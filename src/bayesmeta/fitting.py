"""The main job, from a dataset's name or a file to a folder of results: a table of contents of the package."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta import summary
from bayesmeta.inputs import Request, show_inputs
from bayesmeta.progress import Steps
from bayesmeta.provenance import provenance_of

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from bayesmeta.spec import ModelSpec


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
    inputs = show_inputs(request, steps, console)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    with steps("starting JAX and PyMC"):
        from bayesmeta import report
        from bayesmeta.sampling import check_sampler
    if how.sampler != QUADRATURE:
        check_sampler(how.sampler)
    with report.staging(out) as folder:
        tree = draw_posterior(inputs.design, inputs.spec, how, steps)
        provenance = provenance_of(asdict(request) | asdict(how) | inputs.choices(out), attrs)
        tables = report.fit_tables(tree)
        diagnostics = report.write_fit(folder, tree, tables, provenance, steps)
    summary.print_fit(console, tables, diagnostics, out, synthetic=provenance["synthetic"])
    return 0 if diagnostics["passed"] else 1


def draw_posterior(design: "xr.Dataset", spec: "ModelSpec", how: Sampling, steps: Steps) -> "xr.DataTree":
    """Draws by NUTS, or independent ones by quadrature; the same tree either way."""
    options: Any = {"draws": how.draws, "chains": how.chains, "seed": how.seed}
    if how.sampler == QUADRATURE:
        from bayesmeta.quadrature import quadrature_posterior
        from bayesmeta.sampling import start_jax

        start_jax(devices=1)
        return quadrature_posterior(design, spec, steps=steps, **options)
    from bayesmeta.sampling import sample_posterior

    return sample_posterior(design, spec, sampler=how.sampler, tune=how.tune, steps=steps, **options)
