"""Which diagnosis is the primary tumour and which its coming back, and what operations belong to."""

from __future__ import annotations

from typing import Any

import pytest

from server.fhir.events import CLINICAL, OCCURRED_FOLLOWING, RELATED, RELATED_PRIMARY, VERIFICATION
from server.fhir.finding import has_come_back
from server.fhir.found import NO_DAY, NOT_DONE, PARTIAL, UNCONFIRMED, UNREADABLE_DAY, UNSURE, Findings
from tests.invented import small_model
from tests.records import (
    BASE,
    BEGIN,
    END,
    HISTOLOGY_IS,
    ICD_10,
    LMS,
    LOCAL,
    MALIGNANT,
    METASTASIS,
    SITE,
    SNOMED,
    SURGICAL,
    WHERE_IS,
    Resource,
    by_kind,
    concept,
    condition,
    filled,
    findings,
    link,
    metastasis,
    operation,
    primary,
    recurrence,
    reference,
    says,
    status,
    told,
)

AGAIN = operation("again", "2020-09-01", ["recurrence"])
LUNG = (ICD_10, "C78.0", "Secondary malignant neoplasm of lung")
PRESSURE = condition("pressure", code=concept((ICD_10, "I10", "Hypertension")), onsetDateTime="2019-05-05")
CAME_BACK = status(CLINICAL, "recurrence")


def came_back(*resources: Resource) -> bool:
    """Whether the record tells of the disease having come back."""
    return has_come_back(small_model(), by_kind(*resources), BASE)


@pytest.mark.parametrize("code", ["recurrence", "relapse"])
def test_a_primary_tumour_marked_as_recurrent_gives_no_day_and_no_operation(code: str) -> None:
    """Its onset is the primary tumour's, and an operation for it may be the one or the other: neither is filled in."""
    marked = primary(clinicalStatus=status(CLINICAL, code))
    assert filled(marked, operation()) == {}
    assert told(END, marked, operation()) == [("Condition/primary", None, UNSURE)]
    assert told("resection", marked, operation()) == told(BEGIN, marked, operation()) == []
    assert came_back(marked)
    assert not came_back(primary(clinicalStatus=status(SNOMED, code)))


def test_a_recurrence_that_leads_to_it_shows_which_is_the_primary_tumour() -> None:
    """What something followed is the beginning, whatever has become of it since."""
    marked = primary(clinicalStatus=CAME_BACK)
    expected = {BEGIN: "2018-03-01", END: "2020-06-05", "resection": "yes"}
    assert filled(marked, operation(), recurrence(), AGAIN) == expected
    assert filled(marked, operation(), recurrence(clinicalStatus=CAME_BACK), AGAIN) == expected
    unrelated = {**PRESSURE, "extension": link(RELATED, "primary")}
    assert filled(marked, operation(), unrelated) == {}


def test_a_second_diagnosis_marked_as_recurrent_may_be_the_same_tumour() -> None:
    """Records repeat a diagnosis with every visit: a copy that is marked has the onset of the first."""
    copy = primary("copy", clinicalStatus=CAME_BACK)
    assert END not in filled(primary(), operation(), copy)
    assert filled(primary(), operation(), recurrence(), copy) == {BEGIN: "2018-03-01"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code": concept((ICD_10, "C48.0", ""), (SNOMED, "1259237005", "Recurrent malignant neoplasm"))},
        {"extension": [says(WHERE_IS, LOCAL)]},
        {"category": [concept(METASTASIS)]},
    ],
)
def test_a_code_may_say_that_it_has_come_back(changes: dict[str, Any]) -> None:
    """A diagnosis of the disease that is coded as recurrent is its coming back, without leading to anything."""
    assert filled(primary(), recurrence(**{"extension": None, **changes}))[END] == "2020-06-05"
    assert came_back(recurrence(**{"extension": None, **changes}))
    assert not came_back(primary(), recurrence(extension=None))


@pytest.mark.parametrize(
    "later",
    [
        recurrence("second", "2022-01-01"),
        recurrence("second", "2022-01-01", ["recurrence"]),
        recurrence("second", "2022-01-01", ["primary", "recurrence"]),
        recurrence("second", "2019-01-01"),
        recurrence("second", "2022-01-01", ["not-in-the-record"]),
        recurrence(
            "second", "2022-01-01", extension=[{"url": OCCURRED_FOLLOWING, "valueReference": {"display": "It"}}]
        ),
        recurrence("second", "2022"),
        recurrence("second", onsetDateTime=None),
        metastasis("second", "2022-01-01"),
    ],
)
def test_of_several_recurrences_none_is_chosen(later: Resource) -> None:
    """A model of the first recurrence gets no day of another; an operation for one may be for a later one (E21)."""
    for day, reason in (("2022-03-01", "second"), ("2020-09-01", "recurrence")):
        again = operation("again", day, [reason])
        found = filled(primary(), operation(), recurrence(), later, again)
        assert found.items() <= {BEGIN: "2018-03-01"}.items()
    both = operation("again", "2022-03-01", ["recurrence", "second"])
    assert END not in filled(primary(), recurrence(), later, both)


def test_two_entries_of_one_day_are_one_recurrence() -> None:
    """A local recurrence and a metastasis found together have one day; an operation for both was for both."""
    both = (primary(), operation(), recurrence(), metastasis())
    assert filled(*both) == {BEGIN: "2018-03-01", END: "2020-06-05"}
    again = operation("again", "2020-09-01", ["recurrence", "metastasis"])
    assert "resection" not in filled(*both, AGAIN)
    assert filled(primary(), recurrence(), recurrence("metastasis"), again)["resection"] == "yes"


def test_a_later_metastasis_does_not_say_where_it_first_came_back() -> None:
    """The site of one of two recurrences is not filled in: the other one may have been elsewhere, and earlier."""
    silent = recurrence()
    assert filled(primary(), metastasis())["pattern"] == "distant"
    for later in (metastasis(), metastasis(day="2022-01-01")):
        assert "pattern" not in filled(primary(), silent, later)
        assert ("Condition/recurrence", None, UNSURE) in told("pattern", primary(), silent, later)
        local = recurrence(extension=[*silent["extension"], says(WHERE_IS, LOCAL)])
        assert "pattern" not in filled(primary(), local, later)
        assert findings(primary(), local, later).conflicts("pattern")


def test_a_recurrence_after_something_that_is_not_in_the_record_may_be_a_second_one() -> None:
    """Where a diagnosis leads to what cannot be read, it is not known what it followed."""
    for after in (["gone"], ["primary", "gone"]):
        later = recurrence(after=after)
        assert END not in filled(primary(), later, AGAIN)
        assert told(END, primary(), later) == [("Condition/recurrence", None, UNSURE)]


@pytest.mark.parametrize("url", [OCCURRED_FOLLOWING, RELATED])
def test_what_followed_the_tumour_need_not_be_the_tumour(url: str) -> None:
    """Another illness that is related to it fills nothing in; it is told: it may be a metastasis by another code."""
    related = {**PRESSURE, "extension": link(url, "primary")}
    operated = operation("shunt", "2019-06-01", ["pressure"])
    assert filled(primary(), related, operated) == {}
    assert told(END, primary(), related) == [("Condition/pressure", None, UNSURE)]
    assert not came_back(primary(), related)
    assert findings(primary(), PRESSURE, operated) == findings(primary())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"code": concept(LUNG, METASTASIS)},
        {"code": concept(LUNG), "category": [concept(METASTASIS)]},
    ],
)
def test_a_metastasis_is_known_by_its_code_or_category_and_by_its_primary(changes: dict[str, Any]) -> None:
    """As mCODE has it: a secondary malignant neoplasm that is related to the primary tumour, and to no other."""
    expected = {"pattern": "distant", END: "2020-06-05"}
    assert filled(primary(), metastasis(**changes)) == expected
    breast = condition("breast", code=concept((ICD_10, "C50.9", "Breast")))
    for after in ([], ["breast"], ["primary", "breast"], ["gone"]):
        other = metastasis(**{**changes, "extension": link(RELATED, *after)})
        assert filled(primary(), breast, other) == {}
        assert not came_back(primary(), breast, other)


@pytest.mark.parametrize(
    ("changes", "fills"),
    [
        ({"code": concept(LUNG, METASTASIS)}, {"pattern": "distant", END: "2020-06-05"}),
        ({"code": concept(LUNG), "category": [concept(METASTASIS)]}, {"pattern": "distant", END: "2020-06-05"}),
        ({"code": concept((SNOMED, "1259237005", "Recurrent malignant neoplasm"))}, {END: "2020-06-05"}),
        ({"code": concept((ICD_10, "C48.0", "Sarcoma"))}, {END: "2020-06-05"}),
        ({"code": concept(LUNG)}, {}),
        ({"code": concept((ICD_10, "M16.1", "Osteoarthritis of hip"))}, {}),
        ({"code": None}, {}),
    ],
)
def test_the_extension_of_the_older_mcode_makes_no_tumour_of_anything(
    changes: dict[str, Any], fills: dict[str, str]
) -> None:
    """It says which primary is meant. That it is the disease, a recurrence or a metastasis is for a code to say."""
    old = metastasis(**{**changes, "extension": link(RELATED_PRIMARY, "primary")})
    assert filled(primary(), old) == fills
    assert came_back(primary(), old) == bool(fills)
    assert told(END, primary(), old) == [
        ("Condition/metastasis", fills.get(END), None if fills else UNSURE),
    ]


@pytest.mark.parametrize(
    ("code", "more", "is_tumour"),
    [
        (MALIGNANT, {}, True),
        ((SNOMED, "443719001", "Leiomyosarcoma"), {}, True),
        ((ICD_10, "D21", ""), {"extension": [says(HISTOLOGY_IS, LMS)]}, True),
        ((ICD_10, "K66.1", "Haemoperitoneum"), {}, False),
        ((SNOMED, "118600007", "Lymphoma"), {}, False),
        (METASTASIS, {}, False),
        (MALIGNANT, {"category": [concept(METASTASIS)]}, False),
    ],
)
def test_a_site_alone_is_no_tumour(code: tuple[str, str, str], more: dict[str, Any], *, is_tumour: bool) -> None:
    """A bleeding, a lymphoma, or the metastasis of something else may lie in the retroperitoneum as well."""
    sited = primary(code=concept(code), bodySite=[concept(SITE)], **more)
    assert (BEGIN in filled(sited, operation())) == is_tumour
    assert not came_back(sited)
    assert BEGIN not in filled({**sited, "bodySite": [concept((SITE[0], "C49.2", "Leg"))]}, operation())


def test_what_was_ruled_out_is_not_the_histology() -> None:
    """Only the extensions that are known to say it are read for a histology or a site: another may say the opposite."""
    ruled_out = says("http://hl7.org/fhir/StructureDefinition/condition-ruledOut", LMS, METASTASIS)
    assert findings(primary(extension=[ruled_out])) == Findings()
    assert filled(primary(extension=[says(HISTOLOGY_IS, LMS)])) == {"subtype": "lms"}


@pytest.mark.parametrize(
    "given_status", ["preparation", "in-progress", "on-hold", "stopped", "unknown", "Completed", None]
)
def test_an_operation_that_is_not_said_to_be_done_is_told_and_not_filled_in(given_status: str | None) -> None:
    """Planned, begun or broken off is not done; and it speaks against a day beside it."""
    planned = operation(status=given_status)
    assert told(BEGIN, primary(), planned) == [("Procedure/operation", None, NOT_DONE)]
    assert filled(primary(), planned) == filled(primary(), planned, operation("other")) == {}
    again = {**AGAIN, "status": given_status}
    assert told("resection", primary(), recurrence(), again) == [("Procedure/again", None, NOT_DONE)]
    assert "resection" not in filled(primary(), recurrence(), again)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "not-done"},
        {"status": "entered-in-error"},
        {"category": None},
        {"category": concept((SNOMED, "103693007", "Diagnostic procedure"))},
        {"category": concept(("urn:local", SURGICAL[1], SURGICAL[2]))},
        {"category": {"text": "Surgical procedure"}},
        {"reasonReference": None},
        {"reasonReference": [], "reasonCode": [concept((ICD_10, "C48.0", ""))]},
        {"reasonReference": [reference("Observation", "primary")]},
        {"reasonReference": [reference("Condition", "gone")]},
        {"reasonReference": [{"reference": "https://other.example/fhir/R4/Condition/primary"}]},
        {"reasonReference": [{"reference": "#primary"}]},
        {"reasonReference": [{"reference": "Condition/primary/name"}]},
        {"reasonReference": [{"identifier": {"value": "primary"}}]},
        {"reasonReference": [reference("Condition", "primary"), reference("Condition", "recurrence")]},
    ],
)
def test_an_operation_of_which_it_is_not_said_for_which_tumour_it_was_is_none(changes: dict[str, Any]) -> None:
    """Without a reason, for both, or not an operation: it is neither the first nor the one of the recurrence."""
    other = operation("other", "2020-09-01", **changes)
    assert findings(primary(), recurrence(), other) == findings(primary(), recurrence())
    assert "no" not in filled(primary(), recurrence(), other).values()


@pytest.mark.parametrize("address", [f"{BASE}/Condition/primary", "Condition/primary/_history/3"])
def test_a_reason_may_be_an_address_of_this_server(address: str) -> None:
    """A whole address of the same server, or one of a version, leads to the same resource."""
    assert filled(primary(), operation(reasonReference=[{"reference": address}])) == {BEGIN: "2018-03-01"}


def test_an_operation_for_one_of_several_entries_may_be_for_a_recurrence() -> None:
    """Where a record holds the diagnosis twice and does not say why, the second may be the coming back."""
    twin = primary("twin")
    assert told(BEGIN, primary(), twin, operation()) == [("Procedure/operation", None, UNSURE)]
    assert filled(primary(), twin, operation(reasons=["primary", "twin"])) == {BEGIN: "2018-03-01"}


@pytest.mark.parametrize(
    ("day", "done"),
    [
        ("2020-09-01", True),
        ("2020-06-05", True),
        ("2021", True),
        ("", True),
        ("2020-06-04", False),
        ("2020-06", False),
        ("2020", False),
        ("2018-03-01", False),
    ],
)
def test_a_recurrence_is_not_operated_on_before_it_is_there(day: str, *, done: bool) -> None:
    """An operation that is dated before its recurrence is told, with its day, and not filled in."""
    again = operation("again", day, ["recurrence"])
    assert filled(primary(), recurrence(), again).get("resection") == ("yes" if done else None)
    expected = ("Procedure/again", "yes", None) if done else ("Procedure/again", None, UNSURE)
    assert told("resection", primary(), recurrence(), again) == [expected]
    by_year = recurrence(day="2021")
    assert ("resection" in filled(primary(), by_year, again)) == (day in {"", "2021"})


def test_the_removal_of_a_metastasis_is_no_resection_of_a_local_recurrence() -> None:
    """The question is not asked of a distant recurrence; should somebody change that answer, no "yes" waits there."""
    removed = operation("again", "2020-09-01", ["metastasis"])
    assert filled(primary(), metastasis(), removed) == {"pattern": "distant", END: "2020-06-05"}
    assert told("resection", primary(), metastasis(), removed) == [("Procedure/again", None, UNSURE)]
    local = recurrence(extension=[*link(RELATED, "primary"), says(WHERE_IS, LOCAL)])
    assert filled(primary(), local, AGAIN)["resection"] == "yes"


@pytest.mark.parametrize(
    ("day", "contradicts"),
    [("2018-03-02", False), ("2018-03-01", True), ("2018-02-28", True), ("2018-02", True), ("2017", True)],
)
def test_what_was_there_before_the_first_operation_has_not_come_back(day: str, *, contradicts: bool) -> None:
    """A metastasis of the first diagnosis is no recurrence: neither its day nor its site is filled in."""
    met = metastasis(day=day)
    assert ("pattern" in filled(primary(), operation(), met)) != contradicts
    assert (BEGIN in filled(primary(), operation(), met)) != contradicts
    if contradicts:
        assert filled(primary(), operation(), met) == {}
        assert told(END, primary(), operation(), met) == [("Condition/metastasis", None, UNSURE)]
    assert "pattern" in filled(primary(), met)


def test_why_a_day_is_missing_is_told() -> None:
    """E21: what is found and not enough stands there with its reason."""
    for day, remark in (("2018-03", PARTIAL), ("", NO_DAY), ("in March", UNREADABLE_DAY)):
        assert told(BEGIN, primary(), operation(day=day)) == [("Procedure/operation", None, remark)]


@pytest.mark.parametrize("given", ["provisional", "differential", "unconfirmed"])
def test_an_operation_for_a_diagnosis_that_is_not_confirmed_is_told_and_not_filled_in(given: str) -> None:
    """It may turn out to have been for something else; one of the Conditions that it was for has to stand."""
    suspected = primary(verificationStatus=status(VERIFICATION, given))
    assert filled(suspected, operation()) == {}
    assert told(BEGIN, suspected, operation()) == [("Procedure/operation", None, UNCONFIRMED)]
    twin = {**suspected, "id": "twin"}
    both = operation(reasons=["primary", "twin"])
    assert filled(primary(), twin, both) == {BEGIN: "2018-03-01"}
    assert filled(primary(verificationStatus=None), operation()) == {BEGIN: "2018-03-01"}
    later = recurrence(verificationStatus=status(VERIFICATION, given))
    assert "resection" not in filled(primary(), later, AGAIN)
    assert told("resection", primary(), later, AGAIN) == [("Procedure/again", None, UNCONFIRMED)]


def test_an_operation_for_an_unconfirmed_diagnosis_still_speaks_against_an_earlier_recurrence() -> None:
    """Where no other first operation is known: less certainty about it fills nothing in."""
    suspected = primary(verificationStatus=status(VERIFICATION, "provisional"))
    early = recurrence(day="2018-02-01")
    assert filled(suspected, operation(), early) == {}
    assert told(END, suspected, operation(), early) == [("Condition/recurrence", None, UNSURE)]
    assert filled(suspected, operation(), recurrence()) == {END: "2020-06-05"}


@pytest.mark.parametrize(
    "others", [["2018-03-01", "2018-02", "2019"], ["2019", "2019-01-02"], ["2021", "2018"], ["2017-12-31", "2022-05"]]
)
@pytest.mark.parametrize("day", ["2017", "2018", "2018-02", "2018-03", "2018-02-01", "2018-03-01", "2019-01-02"])
def test_the_earliest_of_several_operations_counts(day: str, others: list[str]) -> None:
    """A recurrence speaks for nothing where it is certainly after none of them, compared one by one."""
    done = [operation(f"o{place}", other) for place, other in enumerate(others)]

    def after(other: str) -> bool:
        known = min(len(day), len(other))
        return not (day[:known] < other[:known] or (known == len("2018-03-01") and day == other))

    remarks = [remark for _, _, remark in told(END, primary(), recurrence(day=day), *done)]
    expected = (None if len(day) == len("2018-03-01") else PARTIAL) if any(map(after, others)) else UNSURE
    assert remarks == [expected]
