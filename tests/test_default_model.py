"""The default model against its source: trained here as it is released, and held against the published figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.artefact import MODEL, Artefact, read_artefact
from model.patient import Patient
from model.prediction import predict
from model.spans import first_month_at
from model.survival import reference
from training.artefact import OutputOccupied, load_estimators
from training.published.default_model import train_default

PUBLISHED = {"local": (33, 0.29), "distant": (25, 0.20), "both": (12, 0.14)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model with its default seed and number of reconstructions."""
    folder = tmp_path_factory.mktemp("default") / "model"
    train_default(folder)
    return folder


@pytest.fixture(scope="module")
def artefact(folder: Path) -> Artefact:
    return read_artefact(folder)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_reference_curve_meets_the_published_figures(artefact: Artefact, name: str) -> None:
    """Issue 2: median within 1 month and 5-year survival within 1 point; two-sided (mistake 13)."""
    stratum = artefact.model.strata[name]
    median, last = PUBLISHED[name]
    curve = reference(stratum)
    found = first_month_at(stratum.months.astype(float), curve, 0.5)
    assert found is not None
    assert abs(found - median) <= 1
    assert abs(curve[60] - last) <= 0.01


def test_the_anchors_are_within_bounds(artefact: Artefact) -> None:
    for stratum in artefact.card["strata"]:
        for name in ("anchor_before_median", "anchor_after_median"):
            assert 0.8 <= stratum[name] <= 1.25


def test_the_median_p_of_resection_is_as_published(artefact: Artefact) -> None:
    """Issue 2: across accepted cohorts the median Wald P of resection below 1e-4; the others within their factor."""
    rows = {row["figure"]: row for row in artefact.card["wald_p"]}
    assert float(rows["P value of resection of the local recurrence"]["median"]) < 1e-4
    for figure, published in (
        ("P value of the interval to local recurrence", 1e-4),
        ("P value of the interval to distant metastasis", 0.0052),
        ("P value of histologic subtype, all levels together", 0.0038),
    ):
        assert 1 / 3.2 < float(rows[figure]["median"]) / published < 3.2


def test_the_card_holds_every_published_figure_beside_the_models(artefact: Artefact) -> None:
    for row in artefact.card["published_against_model"]:
        assert abs(row["model"] - row["published"]) <= (4 if "follow-up" in row["figure"] else 1)
    assert len(artefact.card["published_against_model"]) == 10


def test_priors_are_at_least_twice_as_wide_as_the_published_standard_errors(artefact: Artefact) -> None:
    """DESIGN §3: narrower priors under-cover."""
    for row in artefact.card["effects"]:
        assert row["prior_spread_in_standard_errors_of_one_cohort"] >= 2


def test_the_monte_carlo_error_is_stated_for_every_stratum(artefact: Artefact) -> None:
    rows = artefact.card["monte_carlo"]
    assert {row["stratum"] for row in rows} == set(PUBLISHED)
    assert all(0 < row["points"] < 1.5 for row in rows)


def test_the_deterioration_is_where_the_source_says(artefact: Artefact) -> None:
    """Mistake 5, a flipped sign: a longer interval and a resection go with longer survival, as published."""
    model = artefact.model

    def at_36(**features: object) -> float:
        patient = Patient.parse(model.features, features)
        return next(h.estimate for h in predict(model, patient).survival if h.months == 36)

    assert at_36(pattern="local", interval_months=48, resection="yes") > at_36(
        pattern="local", interval_months=6, resection="yes"
    )
    assert at_36(pattern="local", interval_months=24, resection="yes") > at_36(
        pattern="local", interval_months=24, resection="no"
    )
    assert at_36(pattern="distant", interval_months=48, subtype="lms") > at_36(
        pattern="distant", interval_months=6, subtype="lms"
    )


def test_a_rare_subtype_has_a_wider_interval(artefact: Artefact) -> None:
    """E13, on the log hazard scale, where the height of the curve plays no part."""
    errors = {}
    stratum = artefact.model.strata["distant"]
    for column, term in enumerate(stratum.terms):
        errors[term.level] = stratum.coefficient_covariance[column, column]
    assert errors["ups_mpnst"] > errors["lms"]


def test_the_estimators_are_scikit_survivals_and_have_the_models_coefficients(artefact: Artefact, folder: Path) -> None:
    estimators = load_estimators(folder)
    for name in ("local", "distant"):
        coefficients = artefact.model.strata[name].fits.coefficients
        assert [list(one.coef_) for one in estimators[name]] == coefficients.tolist()
    assert estimators["both"] == []


def test_the_estimators_know_their_columns_by_name(folder: Path) -> None:
    """E19, mistake 4: features fed by position in the wrong order."""
    estimator = load_estimators(folder)["distant"][0]
    assert list(estimator.feature_names_in_) == [
        "log interval_months",
        "subtype = lms",
        "subtype = ups_mpnst",
        "subtype = other",
    ]


def test_no_patient_row_is_inside_the_model(folder: Path) -> None:
    """Mistake 14: nothing as long as a cohort stands in what is served or shipped beside it."""
    sizes = {219, 146, 43}

    def lengths(node: object) -> set[int]:
        if isinstance(node, list):
            return {len(node)}.union(*(lengths(item) for item in node))
        return set().union(*(lengths(item) for item in node.values())) if isinstance(node, dict) else set()

    assert not lengths(json.loads((folder / MODEL).read_text(encoding="utf-8"))) & sizes


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two trainings with one seed, on one core and on two."""
    folders = [tmp_path_factory.mktemp("small") / name for name in ("one", "two")]
    for jobs, folder in enumerate(folders, start=1):
        train_default(folder, reconstructions=6, seed=3, jobs=jobs)
    return folders[0], folders[1]


def test_the_same_seed_gives_the_same_digits(small: tuple[Path, Path]) -> None:
    """Issue 2: a fixed seed gives the same digits every time, on any number of cores."""
    one, two = small
    assert (one / MODEL).read_bytes() == (two / MODEL).read_bytes()


def test_training_never_replaces_what_is_not_a_model(tmp_path: Path) -> None:
    occupied = tmp_path / "notes"
    occupied.mkdir()
    (occupied / "thesis.txt").write_text("my only copy", encoding="utf-8")
    with pytest.raises(OutputOccupied, match="holds files that are not a model"):
        train_default(occupied, reconstructions=2)
    assert (occupied / "thesis.txt").read_text(encoding="utf-8") == "my only copy"


def test_one_reconstruction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 2 reconstructions"):
        train_default(tmp_path / "model", reconstructions=1)
