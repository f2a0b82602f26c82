"""What a record says against filling something in, or against any prediction."""

from __future__ import annotations

from typing import Any

import pytest

from server.fhir.finding import findings_of, has_come_back
from server.fhir.found import DIED, NOT_NAMED, UNSURE, Found
from server.fhir.reading import banner_of
from tests.invented import small_model
from tests.records import (
    BASE,
    DDLPS,
    END,
    EXCISION,
    HISTOLOGY_IS,
    ICD_O_3,
    LMS,
    LOCAL,
    TODAY,
    WHERE_IS,
    concept,
    filled,
    findings,
    histology,
    metastasis,
    operation,
    primary,
    recurrence,
    says,
    told,
)

BIOPSY = ("http://snomed.info/sct", "86273004", "Biopsy")
LUNG = ("http://hl7.org/fhir/sid/icd-10", "C78.0", "Secondary malignant neoplasm of lung")
GIST = (ICD_O_3, "8936/3", "Gastrointestinal stromal sarcoma")
WDLPS = (ICD_O_3, "8851/3", "Liposarcoma, well differentiated")


@pytest.mark.parametrize(
    ("code", "says_so"),
    [(concept(EXCISION), True), (concept(BIOPSY), False), ({"text": "Excision of recurrence"}, False), ({}, False)],
)
def test_an_operation_is_what_its_code_says(code: dict[str, Any], says_so: bool) -> None:
    """E21: a biopsy or a port is filed as surgery, too: listed, and never read as the answer that it was removed."""
    again = operation("again", "2020-09-01", ["recurrence"], code=code)
    assert ("resection" in filled(primary(), recurrence(), again)) == says_so
    remarks = [remark for _, _, remark in told("resection", primary(), recurrence(), again)]
    assert remarks == [None if says_so else NOT_NAMED]


def _alone(changes: dict[str, Any]) -> dict[str, Any]:
    """A metastasis that says of no tumour that it follows it."""
    return {**metastasis("alone"), "extension": [], **changes}


@pytest.mark.parametrize("changes", [{}, {"code": concept(LUNG)}, {"code": concept(LUNG), "category": []}])
def test_a_metastasis_of_no_named_tumour_keeps_the_site_open(changes: dict[str, Any]) -> None:
    """Local only is an answer about the whole patient: not filled in beside a metastasis that nobody has placed."""
    local = recurrence(extension=[*recurrence()["extension"], says(WHERE_IS, LOCAL)])
    assert filled(primary(), local)["pattern"] == "local"
    assert "pattern" not in filled(primary(), local, _alone(changes))
    assert ("Condition/alone", None, UNSURE) in told("pattern", primary(), local, _alone(changes))


def test_a_metastasis_alone_is_no_coming_back() -> None:
    """CH3: it may be of another tumour; so no card speaks of it, and no day is taken from it."""
    resources = {"Condition": [primary(), _alone({})]}
    assert not has_come_back(small_model(), resources, BASE)
    assert END not in filled(primary(), _alone({}))


@pytest.mark.parametrize("kind", [GIST, WDLPS])
def test_a_kind_that_the_model_is_not_for_is_named(kind: tuple[str, str, str]) -> None:
    """E27: the record holds the very diagnosis that stands under "not for"; it is said, and fills nothing in."""
    for resources in (
        [primary(extension=[says(HISTOLOGY_IS, kind)])],
        [primary(), histology("report", kind, about=["primary"])],
    ):
        found = findings(*resources)
        assert [one.source for one in found.excluded] in (["Condition/primary"], ["Observation/report"])
        assert "subtype" not in found.filled
    assert findings(primary(extension=[says(HISTOLOGY_IS, LMS)])).excluded == ()


def test_an_excerpt_keeps_what_excludes() -> None:
    """E27: also where a record is long."""
    found = findings(primary(extension=[says(HISTOLOGY_IS, GIST)]))
    assert found.excerpt().excluded == found.excluded
    assert all(isinstance(one, Found) for one in found.excluded)


def test_the_histology_of_what_came_back_is_not_that_of_the_primary_tumour() -> None:
    """Asked is the primary tumour; a report about its recurrence is listed, and fills nothing in."""
    report = histology("report", DDLPS, about=["recurrence"])
    assert "subtype" not in filled(primary(), recurrence(), report)
    assert ("Observation/report", None, UNSURE) in told("subtype", primary(), recurrence(), report)
    of_primary = histology("report", DDLPS, about=["primary"])
    assert filled(primary(), recurrence(), of_primary)["subtype"] == "ddlps"


@pytest.mark.parametrize(
    ("members", "died"),
    [
        ({}, ""),
        ({"deceasedBoolean": False}, ""),
        ({"deceasedBoolean": True}, DIED),
        ({"deceasedDateTime": "2021-02-03T10:00:00Z"}, "2021-02-03"),
        ({"deceasedDateTime": "2021"}, "2021"),
    ],
)
def test_a_death_is_read(members: dict[str, Any], died: str) -> None:
    """Nothing is predicted for somebody of whom the record says that they have died."""
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1957-02-03", **members}
    assert banner_of(patient).died == died


def test_findings_of_a_model_without_a_record_part_exclude_nothing() -> None:
    """A model that says nothing of records is held against none."""
    from dataclasses import replace  # noqa: PLC0415 - one test's need

    bare = replace(small_model(), record=None)
    assert findings_of(bare, {"Condition": [primary(extension=[says(HISTOLOGY_IS, GIST)])]}, BASE, TODAY).excluded == ()
