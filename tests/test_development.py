"""A hospital's own model, from its file to a patient in the form, as docs/registry.md tells it; on real patients."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import expect, sync_playwright

from model.artefact import read_artefact
from model.survival import reference
from rps_prognosis import main
from tests.browsing import ARGUMENTS, chromium, serving
from tests.registries import SPECIFICATION, registry, write_registry, write_specification
from tests.web import ask, client_of, send_form
from training.development.design import design_of
from training.development.development import train_on_registry
from training.development.distribution import distribution
from training.development.procedure import develop
from training.registry.cohort import Cohort
from training.registry.reading import read_registry
from training.registry.specification import read_specification
from training.validation.predicting import predicted_survival, strata_of


def run(*arguments: object) -> Result:
    """The command line, as a user types it."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def cohort_of(folder: Path, text: str = SPECIFICATION) -> Cohort:
    """The registry read with a specification."""
    return read_registry(write_registry(folder), read_specification(text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the registry, its specification, the model that was trained on it and both reports."""
    folder = tmp_path_factory.mktemp("hospital")
    file, spec = write_registry(folder), write_specification(folder)
    trained = run(
        "train", "--registry", file, "--spec", spec, "--output", folder / "own", "--report", folder / "report"
    )
    assert trained.exit_code == 0, trained.output
    (folder / "train.txt").write_text(trained.output, encoding="utf-8")
    done = run("validate", "--model", folder / "own", "--registry", file, "--output", folder / "validation")
    assert done.exit_code == 0, done.output
    return folder


def test_a_draft_is_refused_until_somebody_has_decided(tmp_path: Path) -> None:
    """``spec`` writes what can be read, and training names each line in which CHECK still stands."""
    file = write_registry(tmp_path)
    drafted = run("spec", "--registry", file, "--output", tmp_path / "draft.toml")
    assert drafted.exit_code == 0, drafted.output
    text = (tmp_path / "draft.toml").read_text(encoding="utf-8")
    specification = read_specification(text)
    assert specification.registry.time == "days"
    assert specification.registry.time_unit == "days"
    assert specification.registry.death == "event"
    assert {feature.name for feature in specification.features} == {"age", "pnodes", "tgrade", "hospital"}
    assert "unknown" in text
    refused = run("train", "--registry", file, "--spec", tmp_path / "draft.toml", "--output", tmp_path / "own")
    assert refused.exit_code == 1
    assert re.search(
        r"draft.toml, line \d+: CHECK still stands here|the specification, line \d+: CHECK", refused.output
    )
    assert not (tmp_path / "own").exists()
    again = run("spec", "--registry", file, "--output", tmp_path / "draft.toml")
    assert again.exit_code == 2


def test_training_says_what_it_found(folder: Path) -> None:
    """Flow, hazard ratios, sample size, proportionality, optimism: all in the text, the card and the report."""
    said = (folder / "train.txt").read_text(encoding="utf-8")
    for words in ("rows in the file", "under 18", "log nodes", "Riley", "proportional over time", "Harrell's C"):
        assert words in said
    card = read_artefact(folder / "own").card
    assert card["validation"]["sentence"].startswith(
        "Validated internally by 4 bootstraps of the whole procedure: C 0."
    )
    assert card["flow"][0] == {"step": "rows in the file", "excluded": 0, "remaining": 686}
    assert card["developer"] == "Not available."
    assert [row["predictor"] for row in card["coefficients"]] == ["log nodes", "grade = g1", "grade = g3"]
    report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    assert {"optimism", "remedies", "sample_size", "proportionality", "groups", "measures"} <= set(report)
    assert {(row["by"], row["group"]) for row in report["groups"]} >= {("hospital", "north"), ("hospital", "south")}
    for name in ("report", "validation"):
        html = (folder / name / "report.html").read_text(encoding="utf-8")
        assert html.count("<svg") == 8
        assert "http" not in re.sub(r"xmlns=\S+", "", html)
        assert "None" not in re.sub(r"None\.", "", html)


def test_what_is_not_proportional_is_said_with_what_each_remedy_does(folder: Path) -> None:
    """A report names the predictor, and holds its calibration with segments and as a stratum beside that without."""
    report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    doubtful = {row["predictor"] for row in report["proportionality"] if row["p"] < 0.05} - {"all predictors"}
    assert {row["predictor"] for row in report["remedies_in_short"]} == doubtful
    for row in report["remedies"]:
        assert {"observed", "with_proportional", "with_segments", "with_stratum"} <= set(row)
    html = (folder / "report" / "report.html").read_text(encoding="utf-8")
    for name in doubtful:
        assert f"The effect of {name} is not proportional over time." in html


def test_a_patient_is_answered_in_the_form_and_the_interface(folder: Path) -> None:
    """The form asks what the registry knows and not for the only stratum; both answers agree with the formula."""
    artefact = read_artefact(folder / "own")
    client = client_of(artefact)
    form = client.get("/").text
    assert "How many lymph nodes were positive?" in form
    assert "population" not in form
    page = send_form(client, {"nodes": "9", "grade": "g3"})
    answer = ask(client, {"nodes": 9, "grade": "g3"})
    at = next(one for one in answer["survival"] if one["months"] == 36)
    assert f"{100 * at['estimate']:.0f}" in page.text
    stratum = artefact.model.strata["all"]
    row = stratum.design({"nodes": 9.0, "grade": "g3"})
    assert at["estimate"] == pytest.approx(np.exp(-stratum.hazard[36] * np.exp(row @ stratum.coefficients)))
    assert "Validated internally" in page.text
    assert answer["support"]["patients"] == 686
    assert answer["support"]["like"]["patients"] is None or answer["support"]["like"]["patients"] >= 10
    assert answer["statements"]["made_from"].startswith("Made from the records of 686 women")
    unknown = ask(client, {"nodes": 9, "grade": "unknown"})
    assert unknown["unknown"][0]["feature"] == "grade"
    assert client.get("/model").status_code == 200


def test_a_patient_is_answered_in_a_browser(folder: Path) -> None:
    """Chromium: the form of the hospital's own model is filled, the result read, and the report's figures are drawn."""
    with (
        serving(read_artefact(folder / "own")) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS) as browser,
    ):
        page = browser.new_page()
        page.goto(address)
        page.get_by_label("How many lymph nodes were positive?").fill("9")
        page.get_by_label("Grade 3").check()
        page.get_by_role("button", name="Predict survival").click()
        expect(page.get_by_role("heading", name="Predicted survival", exact=True)).to_be_visible()
        expect(page.get_by_text("The estimate rests on 686 patients").first).to_be_visible()
        page.goto((folder / "report" / "report.html").as_uri())
        figures = page.locator("svg")
        assert figures.count() == 8
        sizes = [figures.nth(place).bounding_box() for place in range(8)]
        assert all(size is not None and size["width"] > 150 and size["height"] > 150 for size in sizes)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_same_seed_gives_the_same_digits_and_no_patient_is_in_the_folder(folder: Path, tmp_path: Path) -> None:
    """``model.json`` is the same again; it holds months and no day of a death; the estimators hold nobody."""
    file, spec = folder / "registry.csv", folder / "registry.toml"
    again = run("train", "--registry", file, "--spec", spec, "--output", tmp_path / "own", "--seed", 20170603)
    assert again.exit_code == 0
    one, other = ((path / "own" / "model.json").read_bytes() for path in (folder, tmp_path))
    assert one == other
    model = read_artefact(folder / "own").model.strata["all"]
    assert model.months.tolist() == list(range(61))
    shares = 686 * model.blocks[0].weights.mean(axis=0)
    assert shares.sum() == pytest.approx(686)
    assert len(model.blocks[0].atoms) < 200


def test_the_reference_is_the_mean_over_the_registry(tmp_path: Path) -> None:
    """Groups of ten and more stand for the patients: the curve of all is within 0.2 points of the mean of theirs."""
    cohort = cohort_of(tmp_path)
    (developed,) = develop(cohort, np.random.default_rng(1))
    stratum = developed.strata["all"]
    months = [12, 24, 36, 60]
    each = [stratum.ratios(design_of(one, stratum.terms) - stratum.centre) for one in developed.group.imputed]
    mean = np.mean([np.exp(-np.outer(ratios[:, 0], stratum.hazard[months])).mean(axis=0) for ratios in each], axis=0)
    np.testing.assert_allclose(reference(stratum)[months], mean, atol=0.002)
    blocks = distribution(developed.group.features, developed.group.imputed, stratum.terms, stratum.coefficients)
    weights = blocks[0].weights
    levels = {"g1", "g2", "g3"}
    for level in levels:
        share = np.mean([(one["grade"] == level).mean() for one in developed.group.imputed])
        own = [place for place, atom in enumerate(blocks[0].atoms) if atom["grade"] == level]
        assert weights[:, own].sum(axis=1).mean() == pytest.approx(share)


def test_validation_needs_no_outcome_to_predict(tmp_path: Path) -> None:
    """The same patients with other outcomes get the same predictions; a missing grade is averaged over."""
    cohort = cohort_of(tmp_path)
    strata = strata_of(develop(cohort, np.random.default_rng(1)))
    survival = predicted_survival(strata, cohort, [0, 36, 60])
    assert survival.shape == (686, 3)
    np.testing.assert_allclose(survival[:, 0], 1, rtol=1e-12)
    assert (np.diff(survival, axis=1) < 0).all()
    other = cohort.take(np.arange(686))
    other.time[:] = 1.0
    np.testing.assert_array_equal(predicted_survival(strata, other, [0, 36, 60]), survival)


def test_recalibration_keeps_effects_and_meets_the_registry(folder: Path, tmp_path: Path) -> None:
    """On patients who live twice as long the old model is off, and the recalibrated one is not; effects stay."""
    file = write_registry(tmp_path, lambda table: table.assign(days=table["days"] * 2))
    before, after = tmp_path / "report", folder / "own"
    done = run("recalibrate", "--model", after, "--registry", file, "--output", tmp_path / "new", "--report", before)
    assert done.exit_code == 0, done.output
    report = json.loads((before / "report.json").read_text(encoding="utf-8"))
    old = report["measures_before"]["calibration"]["36"]["observed_to_expected"]["value"]
    new = report["measures"]["calibration"]["36"]["observed_to_expected"]["value"]
    assert old < 0.75
    assert new == pytest.approx(1, abs=0.03)
    own, made = read_artefact(after).model.strata["all"], read_artefact(tmp_path / "new").model
    np.testing.assert_allclose(made.strata["all"].coefficients, own.coefficients)
    assert made.name == "gbsg2-recalibrated"
    assert "Its baseline was fitted anew on 686 patients" in made.about.made_from
    sloped = run(
        "recalibrate",
        "--slope",
        "--model",
        after,
        "--registry",
        folder / "registry.csv",
        "--output",
        tmp_path / "sloped",
    )
    assert sloped.exit_code == 0, sloped.output
    shrunk = read_artefact(tmp_path / "sloped").model.strata["all"]
    np.testing.assert_allclose(shrunk.coefficients, own.coefficients, rtol=0.05)
    assert (np.diagonal(shrunk.fits.covariance[0]) > 0.9 * np.diagonal(own.fits.covariance[0])).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('transformation = "log"\n', 'transformation = "rcs"\nknots = [1, 4, 12]\n'),
        ('transformation = "log"\n', 'transformation = "log"\nsegments_months = [18]\n'),
        ("imputations = 3\n", "imputations = 3\nridge = 5\n"),
        ("imputations = 3\n", 'imputations = 3\nridge = "aic"\nselection_p = 0.157\n'),
    ],
)
def test_every_way_of_fitting_ends_in_a_model_that_answers(tmp_path: Path, old: str, new: str) -> None:
    """Splines, segments of time, a penalty, selection: trained, read back, golden pairs met, a patient answered."""
    text = SPECIFICATION.replace(old, new).replace("bootstraps = 4", "bootstraps = 2")
    file, spec = write_registry(tmp_path), write_specification(tmp_path, text)
    done = run("train", "--registry", file, "--spec", spec, "--output", tmp_path / "own")
    assert done.exit_code == 0, done.output
    artefact = read_artefact(tmp_path / "own")
    answer = ask(client_of(artefact), {"nodes": 4, "grade": "g3"})
    assert (
        0 < answer["survival"][-1]["lower"] < answer["survival"][-1]["estimate"] < answer["survival"][-1]["upper"] < 1
    )
    if "segments" in new:
        first = answer["explanation"]["contributions"][0]
        assert first["hazard_ratio"] is None
        assert [one["to_month"] for one in first["hazard_ratios"]] == [18, 60]
        page = send_form(client_of(artefact), {"nodes": "4", "grade": "g3"})
        assert "from 18 to 60 months" in page.text
    if "ridge" in new:
        assert "no coverage is claimed" in artefact.card["variance"]


def test_strata_may_share_coefficients(tmp_path: Path) -> None:
    """Two strata, one set of coefficients and one covariance, each its own baseline."""
    text = SPECIFICATION.replace(
        '[population]\nlabel = "Patients"\nphrase = "node-positive breast cancer"\n',
        """[stratum_feature]
name = "hospital"
label = "Hospital"
question = "Which hospital?"
definition = "Where the operation was."
where = "Operation note."
timing = "At time zero."

[[stratum_feature.levels]]
code = "north"
label = "North"
phrase = "an operation in the north"

[[stratum_feature.levels]]
code = "south"
label = "South"
phrase = "an operation in the south"
""",
    ).replace("imputations = 3", 'imputations = 3\ncoefficients = "shared"')
    cohort = cohort_of(tmp_path, text)
    (developed,) = develop(cohort, np.random.default_rng(2))
    north, south = developed.strata["north"], developed.strata["south"]
    np.testing.assert_array_equal(north.coefficients, south.coefficients)
    np.testing.assert_array_equal(north.fits.covariance, south.fits.covariance)
    assert north.hazard[-1] != south.hazard[-1]
    assert north.support.patients + south.support.patients == 686
    separate = develop(cohort_of(tmp_path, text.replace('"shared"', '"separate"')), np.random.default_rng(2))
    assert len(separate) == 2
    assert separate[0].strata["north"].coefficients[0] != separate[1].strata["south"].coefficients[0]


def test_the_default_model_can_be_held_against_any_registry(artefact_folder: Path, tmp_path: Path) -> None:
    """Columns named as the questions, time_months and death: validated by pattern; recalibrated where enough died."""
    rng = np.random.default_rng(3)
    n = 240
    pattern = rng.choice(["local", "distant", "both"], n, p=[0.5, 0.4, 0.1])
    time = rng.exponential(45, n).clip(0.1, 110)
    table = pd.DataFrame(
        {
            "pattern": pattern,
            "interval_months": rng.uniform(4, 80, n).round(1),
            "resection": rng.choice(["yes", "no", "unknown"], n),
            "subtype": rng.choice(["ddlps", "lms", "ups_mpnst", "other", ""], n),
            "time_months": time.round(2),
            "death": (rng.random(n) < 0.7).astype(int),
        }
    )
    table.loc[0, "time_months"] = 0
    table.to_csv(tmp_path / "rps.csv", index=False)
    common = ("--model", artefact_folder, "--registry", tmp_path / "rps.csv")
    done = run("validate", *common, "--output", tmp_path / "validation")
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "validation" / "report.json").read_text(encoding="utf-8"))
    assert report["measures"]["patients"] == 240
    assert "half a day (1 patients)" in " ".join(step["step"] for step in report["flow"])
    assert [row["group"] for row in report["groups"]] == ["both", "distant", "local"]
    done = run("recalibrate", *common, "--output", tmp_path / "new", "--report", tmp_path / "report")
    assert done.exit_code == 0, done.output
    made = read_artefact(tmp_path / "new")
    told = {row["stratum"]: row["recalibrated"] for row in made.card["recalibration"]}
    assert told["local"] == told["distant"] == "yes"
    assert told["both"].startswith("no: fewer than 20 deaths")
    assert "Too few for both, which is as it was" in made.model.about.made_from
    assert made.model.about.reconstructed
    assert ask(client_of(made), {"pattern": "local", "interval_months": 24, "resection": "unknown"})["unknown"]


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the bootstraps: no model folder, no half of one."""
    file = write_registry(tmp_path)

    def interrupt(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on_registry(
            file, read_specification(SPECIFICATION), tmp_path / "models" / "own", jobs=1, progress=interrupt
        )
    assert {path.name for path in tmp_path.iterdir()} <= {"registry.csv", "models"}
    assert not list(tmp_path.glob("models/*")) + list(tmp_path.glob("models/.*"))


def test_the_registry_is_the_one_that_is_meant() -> None:
    """The data set of the wheel has the size that the tests state."""
    assert len(registry()) == 686
    assert (registry()["tgrade"] == "").sum() == 98
