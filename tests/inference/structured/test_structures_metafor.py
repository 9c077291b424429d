"""REML and posteriors of dependence structures, against metafor's numbers on published tables."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.inference.quadrature import integrate_posterior, taus_table, terms_table
from bayesmeta.inference.reml import cr2_table, fit_reml, profile_intervals
from bayesmeta.inference.structured import structured_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, Prior

REFERENCE = Path(__file__).parents[2] / "reference" / "structures.json"
PARTS = {part["name"]: part for part in json.loads(REFERENCE.read_text(encoding="utf-8"))}
PRIORS = {"terms": Prior("Normal", (0.0, 1.5)), "tau": Prior("HalfNormal", (1.0,))}
UN = {"trial": {"factor": "outcome", "struct": "UN"}}
OVER_TIME = {"cluster": "study", "time": "time", "phi": 0.97}
CHOICES: dict[str, dict[str, Any]] = {
    "konstantopoulos": {"levels": ("district", "school")},
    "berkey-ML": {"terms": "0 + outcome", "inner": UN},
    "berkey-REML": {"terms": "0 + outcome", "inner": UN},
    **{
        f"ishak-{struct}": {
            "terms": "0 + C(time)",
            "inner": {"study": {"factor": "time", "struct": struct}},
            "errors": OVER_TIME,
        }
        for struct in ("HAR", "AR", "HCS", "CAR")
    },
    "besson": {"levels": ("study",), "crossed": ("comparison",)},
    "besson-strain": {"levels": ("study",), "crossed": ("strain",)},
    "lim": {"levels": ("study", "esid"), "crossed": ("species",)},
    "bangertdrowns": {"terms": "1 + ni100", "levels": ("study",), "scale": {"study": "~ ni100"}},
}


def read(name: str, folder: Path) -> tuple[xr.Dataset, ModelSpec, dict[str, Any]]:
    """The design and model of a table, and metafor's fit."""
    part = PARTS[name]
    frame = pd.DataFrame(part["columns"])
    first = "study" if "study" in frame else str(frame.columns[0])
    effect = [f"e{row}" for row in range(len(frame))]
    frame = frame.assign(study=frame[first].astype(str), effect=effect, group=effect)
    choices = {"terms": "1", "levels": (), **CHOICES[name]}
    if "V" in part:
        np.savetxt(folder / "V.csv", np.array(part["V"]), delimiter=",")
        choices["errors"] = {"file": str(folder / "V.csv")}
    if "tree" in part:
        (folder / "tree.nwk").write_text(part["tree"])
        choices["correlation"] = {"species": {"file": str(folder / "tree.nwk")}}
    spec = ModelSpec(name=name, title=name, priors=PRIORS, **choices)
    return build_design(frame, spec), spec, part["fit"]


@pytest.mark.parametrize("name", CHOICES)
def test_reml_is_that_of_metafor(name: str, tmp_path: Path) -> None:
    design, spec, expected = read(name, tmp_path)
    fit = fit_reml(
        design, spec, method="ML" if name.endswith("ML-") or name[-3:] == "-ML" else "REML"
    )
    np.testing.assert_allclose(fit.beta, np.ravel(expected["beta"]), atol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), expected["se"], atol=1e-4)
    assert fit.log_lik == pytest.approx(expected["loglik"], abs=1e-5)
    if "alpha" in expected:  # metafor's is log tau^2 at 0, ours log tau at the moderator's mean
        slope = fit.parameters["slope_study[ni100]"]
        at_mean = expected["alpha"][0] + expected["alpha"][1] * design["ni100"].values.mean()
        assert 2 * slope == pytest.approx(expected["alpha"][1], abs=1e-4)
        assert 2 * np.log(fit.tau["study"]) == pytest.approx(at_mean, abs=1e-4)
        return
    variances = "sigma2" if np.any(expected["sigma2"]) else "tau2"
    np.testing.assert_allclose(fit.tau**2, np.ravel(expected[variances]), atol=1e-4, rtol=1e-4)
    if expected["rho"]:
        assert fit.parameters.iloc[0] == pytest.approx(expected["rho"], abs=1e-4)


def test_nested_levels_have_the_posterior_of_quadrature(tmp_path: Path) -> None:
    design, spec, _ = read("konstantopoulos", tmp_path)
    tree = structured_posterior(design, spec, parameters_only=True)
    exact = integrate_posterior(design, replace(spec, levels=("study", "effect")))
    beta = tree["posterior"]["beta"].values.ravel()
    term = terms_table(exact).iloc[0]
    assert beta.mean() == pytest.approx(term["mean"], abs=0.05 * term["sd"])
    assert beta.std() == pytest.approx(term["sd"], rel=0.04)
    taus = taus_table(exact)
    drawn = tree["posterior"]["tau"].values.reshape(-1, 2)
    np.testing.assert_allclose(drawn.mean(0), taus["mean"], atol=0.03 * taus["sd"].max())
    np.testing.assert_allclose(np.quantile(drawn, 0.975, 0), taus["ci_ub"], rtol=0.03)
    evidence = tree["posterior"].attrs["log_marginal_likelihood"]
    assert evidence == pytest.approx(exact.log_marginal_likelihood, abs=0.01)


def test_a_slope_of_log_tau_has_the_printed_posterior(tmp_path: Path) -> None:
    """Printed: .303 (.068), -.056 (.023), slope -.375 (.225), whose prior of tau is not known."""
    design, spec, _ = read("bangertdrowns", tmp_path)
    posterior = structured_posterior(design, spec, parameters_only=True)["posterior"]
    beta = posterior["beta"].values.reshape(-1, 2)
    slope = posterior["structure"].values.ravel()
    for column, mean, sd in zip(beta.T, (0.303, -0.056), (0.068, 0.023), strict=True):
        assert column.mean() == pytest.approx(mean, abs=0.1 * sd)
        assert column.std() == pytest.approx(sd, rel=0.04)
    assert slope.mean() == pytest.approx(-0.375, abs=0.015)
    assert slope.std() == pytest.approx(0.225, abs=0.01)
    assert posterior.attrs["k_hat"] < 0.7


def test_reml_takes_shared_controls() -> None:
    """rma.mv with V of 1 / c + 1 / d of the control between the odds ratios of a study."""
    ton = [("Ton", a, n1, 6, 38) for a, n1 in ((22, 40), (25, 41), (21, 39), (27, 42), (24, 40))]
    others = [("Ule", 14, 50, 12, 52), ("Vag", 18, 60, 15, 61), ("Waf", 11, 45, 12, 44)]
    frame = pd.DataFrame([*ton, *others], columns=["study", "ai", "n1i", "ci", "n2i"])
    a, n1, c, n2 = (frame[name].to_numpy(float) for name in ("ai", "n1i", "ci", "n2i"))
    effect = [f"e{row}" for row in range(len(frame))]
    frame = frame.assign(
        yi=np.log(a * (n2 - c) / ((n1 - a) * c)),
        vi=1 / a + 1 / (n1 - a) + 1 / c + 1 / (n2 - c),
        control=frame["study"] + " P",
        effect=effect,
        group=effect,
    )
    frame.attrs["measure"] = "OR"
    choices: dict[str, Any] = {"terms": "1", "levels": ("study",), "shared_controls": True}
    spec = ModelSpec(name="arms", title="arms", priors=PRIORS, **choices)
    fit = fit_reml(build_design(frame, spec), spec)
    assert fit.beta["intercept"] == pytest.approx(0.60177666, abs=1e-6)
    assert np.sqrt(fit.covariance.iloc[0, 0]) == pytest.approx(0.47929452, abs=1e-6)
    assert fit.tau["study"] == pytest.approx(0.84403379, abs=1e-5)
    assert pytest.approx(14.21128478) == fit.QE
    assert fit.log_lik == pytest.approx(-4.36408074, abs=1e-6)
    with pytest.raises(BadInput, match="CR2 needs levels"):
        cr2_table(fit)
    with pytest.raises(BadInput, match="profiles need levels"):
        profile_intervals(fit)
