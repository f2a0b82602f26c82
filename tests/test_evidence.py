"""The evidence: every figure is marked, and what its mark requires is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from training.published.default_model import default_generators
from training.published.description import default_description
from training.published.evidence import UnfoundedFigure, default_evidence, read_evidence

CITATIONS = [{"key": "A 2001", "text": "A. Title.", "doi": "10/x"}]


def _figure(**fields: object) -> dict[str, Any]:
    return {"id": "x.y", "what": "Something", "value": 1.0, "unit": "months", **fields}


def test_published_figures_are_those_of_the_source() -> None:
    """DESIGN §2: the figures of MacNeill 2017, typed here a second time from the paper's table."""
    evidence = default_evidence()
    table = {
        "local": (219, 33, 0.29),
        "distant": (146, 25, 0.20),
        "both": (43, 12, 0.14),
    }
    for stratum, figures in table.items():
        found = tuple(evidence[f"{stratum}.{name}"] for name in ("patients", "median", "five_year"))
        assert found == figures
        assert {evidence.figures[f"{stratum}.{name}"].mark for name in ("patients", "median", "five_year")} == {
            "published"
        }
    assert evidence["series.resections"] == 1007
    assert evidence["series.recurrences"] == 408 == sum(n for n, _, _ in table.values())
    assert evidence["series.follow_up"] == 41
    p = {name: (figure.relation, figure.value) for name, figure in evidence.figures.items() if name.endswith(".p")}
    assert p == {
        "local.interval_months.p": ("=", 0.0001),
        "local.resection.p": ("<", 0.0001),
        "distant.interval_months.p": ("=", 0.0052),
        "distant.subtype.p": ("=", 0.0038),
    }


def test_every_figure_has_a_known_mark() -> None:
    evidence = default_evidence()
    assert {figure.mark for figure in evidence.figures.values()} == {"published", "derived", "assumed"}


def test_shares_of_a_category_add_up() -> None:
    evidence = default_evidence()
    for generator in default_generators():
        for feature in generator.features:
            if feature.levels:
                shares = [
                    evidence[f"{generator.stratum}.{feature.name}.share.{level.code}"] for level in feature.levels
                ]
                assert sum(shares) == pytest.approx(1, abs=1e-12)


def test_the_usual_range_of_a_number_is_the_range_that_was_reconstructed() -> None:
    """E18: a soft limit warns where the development data end, so the two must be the same."""
    for generator in default_generators():
        for feature in generator.features:
            if feature.is_number:
                usual = feature.soft[generator.stratum]
                prefix = f"{generator.stratum}.{feature.name}"
                assert (usual.low, usual.high) == (
                    generator.evidence[f"{prefix}.low"],
                    generator.evidence[f"{prefix}.high"],
                )


@pytest.mark.parametrize(
    ("figure", "complaint"),
    [
        (_figure(mark="published"), "x.y is marked published and lacks its citation"),
        (_figure(mark="derived"), "x.y is marked derived and lacks its formula"),
        (_figure(mark="assumed", reason="So."), "x.y is marked assumed and lacks its spread"),
        (_figure(mark="guessed"), "x.y is marked 'guessed'"),
        (_figure(mark="published", citation="B 2002"), "cites 'B 2002', which is not among the citations"),
    ],
)
def test_a_figure_without_its_foundation_is_refused(figure: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UnfoundedFigure, match=re.escape(complaint)):
        read_evidence({"citations": CITATIONS, "figures": [figure]})


def test_a_figure_given_twice_is_refused() -> None:
    figure = _figure(mark="published", citation="A 2001")
    with pytest.raises(UnfoundedFigure, match="given twice"):
        read_evidence({"citations": CITATIONS, "figures": [figure, figure]})


def test_no_published_figure_stands_in_the_code() -> None:
    """Issue: nothing of the evidence stands in code. A published figure of two digits or more would be found here."""
    published = {
        f"{figure.value:g}" for figure in default_evidence().figures.values() if figure.mark == "published"
    } - {"0.2", "12", "25"}  # also a share of every curve, months in a year, a batch of cohorts
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path("training").glob("*.py"))
    code = re.sub(r'""".*?"""', "", code, flags=re.DOTALL)
    numbers = set(re.findall(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?", code))
    assert not published & numbers


def test_the_description_names_what_the_default_model_must_not_be_used_for() -> None:
    """E27: the populations that the model has not seen."""
    listed = " ".join(default_description()["not_for"])
    for population in (
        "second or later recurrence",
        "macroscopically incomplete",
        "desmoid-type fibromatosis",
        "angiomyolipoma",
        "gastrointestinal stromal tumour",
        "gut or its mesentery",
        "uterine leiomyosarcoma",
        "paratesticular or spermatic cord",
        "Ewing sarcoma",
        "rhabdomyosarcoma",
        "radiation-induced",
        "paraganglioma",
    ):
        assert population in listed
    assert "Nor for well-differentiated liposarcoma" in " ".join(default_description()["cautions"])
