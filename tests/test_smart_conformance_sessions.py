"""SMART App Launch as the list of EHR.md has it, SM8 to SM16: what a launch may do, and that two are never mixed up."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from httpx2 import Response as Answer

from model.artefact import Artefact
from tests.fake_ehr import APP, WRITES, FakeEhr, Opened, asked_of, fields_of, log_of, opened
from tests.records import (
    BASE,
    LMS,
    WHOLE,
    bundle,
    histology,
    metastasis,
    operation,
    patient,
    primary,
    reference,
)
from tests.web import Page, read_page

ANSWERED = {"alive_months": "0", "subtype": ""}
CONFIRMED = ("pattern", "interval_months", "resection")
OF_BERT = {"subject": reference("Patient", "bert")}
BERT = (
    patient("bert", name=[{"text": "Bert Example"}], birthDate="1961-04-05"),
    primary("b-primary", **OF_BERT),
    metastasis("b-metastasis", "2021-07-08", ("b-primary",), **OF_BERT),
    operation("b-operation", "2019-02-03", ["b-primary"], of="bert"),
    histology("b-histology", LMS, about=["b-primary"], of="bert"),
)
WAYS = ("", "fragment", "download/result.pdf", "download/curve.csv", "download/result.json", "patient", "save", "end")


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]), write=WRITES)


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr([*WHOLE, *BERT])


@pytest.fixture
def app(program: Opened, ehr: FakeEhr) -> Opened:
    return program.anew(ehr)


def place_of(page: Page) -> str:
    """Where the form of a page is sent."""
    return page.one("form", class_="patient").attributes["action"]


@pytest.mark.parametrize(
    ("scope", "read"),
    [
        (None, ()),
        ("", ()),
        ("launch openid", ()),
        ("patient/Patient.r", ("Patient",)),
        ("patient/Patient.s patient/Condition.r patient/Procedure.c", ()),
        ("patient/Patient.rs patient/Condition.s", ("Patient", "Condition")),
        ("patient/*.rs", ("Patient", "Condition", "Procedure", "Observation")),
        ("patient/*.read", ("Patient", "Condition", "Procedure", "Observation")),
        ("patient/Observation.rs?category=laboratory patient/Procedure.cruds", ("Procedure",)),
        ("user/*.rs system/*.rs patient/Condition.write xpatient/*.rs patient/*.rsx", ()),
    ],
)
def test_sm08_what_was_granted_is_read_and_nothing_else(
    app: Opened, ehr: FakeEhr, scope: str | None, read: tuple[str, ...]
) -> None:
    """SM8: whatever was asked for; what may not be read is said, and can be entered by hand."""
    page = app.form(app.open(ehr, scope=scope))
    assert sorted(ehr.places()[3:]) == sorted(f"GET {kind}" for kind in read)
    assert page.text.count("The EHR does not allow it to be read.") == 4 - len(read)
    assert bool(fields_of(page).get("pattern")) == ("Condition" in read)
    answer = app.post(place_of(page), {"launch.form": fields_of(page)["launch.form"], "pattern": "both"})
    assert answer.all("article", class_="result")


def test_sm09_the_token_is_nowhere_but_in_the_requests_to_the_ehr(
    app: Opened, ehr: FakeEhr, caplog: pytest.LogCaptureFixture
) -> None:
    """SM9: nor are code, verifier and state after they were used: not on a page, in a header, a cookie or the log."""
    caplog.set_level(logging.DEBUG)
    location = app.begin(ehr)
    back = app.go(ehr.sign_in(location))
    place = back.headers["location"].removeprefix(APP)
    form = app.go(place)
    result = app.result(place, ANSWERED, CONFIRMED)
    kept = fields_of(result, "save")
    others = [app.client.post(f"{place}{way}", data={**kept, "save.as": "RiskAssessment"}) for way in WAYS]
    ended = app.client.post(place, data=kept)
    failed = app.go(f"{place}nowhere")
    assert [one.status_code for one in (back, form, *others, ended, failed)] == [303, *[200] * 9, 401, 404]
    (token,) = ehr.by_token
    sent = dict(parse_qsl(ehr.asked("token")[0].content.decode()))
    secrets = (token, sent["code"], sent["code_verifier"], asked_of(location)["state"])
    seal = base64.urlsafe_b64decode(kept["launch.form"].split(".")[1] + "==").decode()
    written = [result.html, seal, log_of(caplog)]
    for response in (back, form, *others, ended, failed):
        written += [response.text, str(response.headers.multi_items())]
    written += [str(cookie) for cookie in app.client.cookies.jar]
    assert [secret for secret in secrets if any(secret in text for text in written)] == []
    assert all(token not in str(one.url) for one in ehr.requests)
    reads = [one for one in ehr.requests if ehr.place(one) not in ("smart-configuration", "token", "keys")]
    assert {one.headers["authorization"] for one in reads} == {f"Bearer {token}"}
    assert not any("authorization" in one.headers for one in ehr.requests if one not in reads)


def test_sm10_two_launches_in_one_browser_stay_apart(app: Opened, ehr: FakeEhr) -> None:
    """SM10: each shows its own patient, reads with its own token, and writes to its own record, however mixed."""
    anna, bert = app.open(ehr), app.open(ehr, "bert")
    assert anna != bert
    for _ in range(2):
        first, second = app.form(anna), app.form(bert)
        assert ("Anna" in first.html, "Bert" in first.html) == (True, False)
        assert ("Anna" in second.html, "Bert" in second.html) == (False, True)
        assert (fields_of(first)["pattern"], fields_of(second)["pattern"]) == ("local", "distant")
    results = app.result(anna, ANSWERED, CONFIRMED), app.result(bert, {"alive_months": "1"}, (*CONFIRMED, "subtype"))
    for place, page in reversed(list(zip((anna, bert), results, strict=True))):
        app.post(f"{place}save", {**fields_of(page, "save"), "save.as": "RiskAssessment"})
    subjects = [one["subject"]["reference"] for one in ehr.created]
    tokens = [one.headers["authorization"] for one in ehr.asked("POST RiskAssessment")]
    assert subjects == ["Patient/bert", "Patient/anna"]
    assert tokens == ["Bearer token-2-of-bert", "Bearer token-1-of-anna"]
    app.post(f"{anna}end", fields_of(results[0]))
    app.form(anna, 401)
    assert "Bert" in app.form(bert).html


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("patient", ["bert", "anna"])
def test_sm10_a_form_of_another_launch_is_refused(app: Opened, ehr: FakeEhr, way: str, patient: str) -> None:
    """SM10: wherever it is sent, be it of the same patient; what the form of this launch knows is not taken from it."""
    places = app.open(ehr), app.open(ehr, patient)
    kept = [fields_of(app.form(place)) for place in places]
    swapped = {**kept[0], "launch.form": kept[1]["launch.form"]}
    for fields in (kept[1], swapped, {**kept[0], "launch.form": ""}):
        page = app.post(f"{places[0]}{way}", {**fields, "save.as": "RiskAssessment"}, 400)
        assert "does not belong to the patient who was opened here" in page.text
    assert ehr.created == []
    assert app.form(places[0]).status == app.form(places[1]).status == 200


def test_sm10_cookies_of_two_launches_cannot_be_exchanged(app: Opened, ehr: FakeEhr) -> None:
    """SM10: nor does a launch open in a browser that has no cookie for it, whatever it sends."""
    places = app.open(ehr), app.open(ehr, "bert")
    kept = [fields_of(app.form(place)) for place in places]
    asked = ehr.places()
    names = [f"__Host-launch-{place.split('/')[2]}" for place in places]
    values = [app.client.cookies[name] for name in names]
    swapped, without = app.another_browser(), app.another_browser()
    for name, value in zip(names, reversed(values), strict=True):
        swapped.client.cookies.set(name, value)
    for browser in (swapped, without):
        for place, fields in zip(places, kept, strict=True):
            page = browser.form(place, 401)
            assert page.one("h2", id="ended-title").text == "This launch is over"
            assert not {"Anna", "Bert", "1957", "1961"} & set(page.text.replace(",", "").split())
            for way in WAYS:
                browser.post(f"{place}{way}", {**fields, "save.as": "RiskAssessment"}, 401)
    assert (ehr.places(), ehr.created) == (asked, [])
    assert app.form(places[0]).status == 200


@pytest.mark.parametrize(("banner", "shown"), [(True, True), (None, True), ("false", True), (0, True), (False, False)])
def test_sm11_the_patient_is_named_unless_the_ehr_does_it(
    app: Opened, ehr: FakeEhr, banner: object, shown: bool
) -> None:
    """SM11: name and birth date stand on form, result and refusal; on paper alone where the EHR does it."""
    place = app.open(ehr, need_patient_banner=banner)
    pages = app.form(place), app.result(place, ANSWERED, CONFIRMED), app.post(place, fields_of(app.form(place)), 422)
    for page in pages:
        opened_for = page.one("p", class_="opened").text
        assert ("Patient: Anna Maria Example, born 3 February 1957" in opened_for) == shown
        on_paper = sum("Anna" in one.text for one in page.all("p", within="running"))
        assert (page.html.count("Anna") > on_paper) == shown
        assert "The hospital" in opened_for


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"birthDate": None}, "Anna Maria Example, birth date not in the record"),
        ({"name": None}, "name could not be read: make sure in the EHR whom this form is about"),
        ({"name": [{"use": "old", "family": "Former"}, {"text": "In Use"}]}, "Patient: In Use, born"),
    ],
)
def test_sm11_a_banner_says_what_is_missing(app: Opened, ehr: FakeEhr, changes: dict[str, Any], told: str) -> None:
    """SM11: and never leaves a reader without a warning."""
    ehr.resources = [patient(**changes), *WHOLE[1:]]
    assert told in app.form(app.open(ehr)).one("p", class_="opened").text


def test_sm12_a_right_that_has_ended_keeps_what_was_typed(app: Opened, ehr: FakeEhr) -> None:
    """SM12, E21: what was typed or confirmed is there to go on by hand; what nobody confirmed is not."""
    place = app.open(ehr, expires_in="600")
    fields = {**fields_of(app.form(place)), "alive_months": "7", "confirmed.interval_months": "yes", "resection": "no"}
    app.clock.now += 599
    assert app.form(place).status == 200
    app.clock.now += 1
    asked = ehr.places()
    for way in ("", "fragment", "download/result.pdf", "patient", "save"):
        page = app.post(f"{place}{way}", {**fields, "save.as": "RiskAssessment"}, 401)
        kept = {name: value for name, value in fields_of(page).items() if value}
        days = {"interval_months.begin": "2018-03-01", "interval_months.end": "2020-06-05"}
        assert kept == {"model": kept["model"], "alive_months": "7", "resection": "no", **days}
        assert page.one("form", class_="patient").attributes["action"] == "/"
        assert "kept below" in page.text
    assert (ehr.places(), len(app.sessions)) == (asked, 0)


def test_sm12_an_ehr_that_takes_the_right_away_ends_the_launch(app: Opened, ehr: FakeEhr) -> None:
    """SM12: 401 while the record is read is the end of that launch, and of no other."""
    place, other = app.open(ehr), app.open(ehr, "bert")
    ehr.instead["GET Procedure"] = 401
    page = app.form(place, 401)
    assert page.one("h2", id="ended-title").text == "This launch is over"
    assert "kept below" not in page.text
    ehr.instead.clear()
    app.form(place, 401)
    assert app.form(other).status == 200


@pytest.mark.parametrize(
    "link_to",
    [
        "https://evil.example/fhir/R4/Condition?page=2",
        "//evil.example/Condition?page=2",
        BASE.replace("https:", "http:") + "/Condition?page=2",
        BASE.replace(".example/", ".example:8443/") + "/Condition?page=2",
        BASE.replace(".example/", ".example.evil/") + "/Condition?page=2",
        BASE.replace("https://", "https://ehr.hospital.example@evil.example/") + "/Condition?page=2",
        "https://[broken/Condition",
    ],
)
def test_sm13_no_link_leads_the_token_elsewhere(app: Opened, ehr: FakeEhr, link_to: str) -> None:
    """SM13: a next page on another server is not asked for, and what was not read to its end fills nothing in."""
    ehr.instead["GET Condition"] = bundle(*WHOLE[1:2], following=link_to)
    page = app.form(app.open(ehr))
    assert len(ehr.asked("GET Condition")) == 1
    assert all(str(one.url).startswith((f"{BASE}/", f"{ehr.origin}/auth/")) for one in ehr.requests)
    assert "Diagnoses could not be read" in page.text
    assert not fields_of(page).get("interval_months.end")


@pytest.mark.parametrize("following", [f"{BASE}/Condition?page=2", "Condition?page=2"])
def test_sm13_the_servers_own_pages_are_read_to_the_end(app: Opened, ehr: FakeEhr, following: str) -> None:
    """SM13: absolute or relative; all of them count."""
    conditions = [one for one in WHOLE if one["resourceType"] == "Condition"]
    pages = {False: bundle(*conditions[:1], following=following), True: bundle(*conditions[1:])}
    ehr.instead["GET Condition"] = lambda request: Answer(200, json=pages["page" in request.url.params])
    assert fields_of(app.form(app.open(ehr)))["interval_months.end"] == "2020-06-05"
    assert len(ehr.asked("GET Condition")) == 2


def test_sm13_a_redirect_is_not_followed(app: Opened, ehr: FakeEhr) -> None:
    """SM13: wherever it leads; neither from the record nor from the token endpoint."""
    ehr.instead["GET Patient"] = lambda _: Answer(302, headers={"location": "https://evil.example/Patient/anna"})
    assert "The EHR refused (status 302)." in app.form(app.open(ehr)).text
    assert len(ehr.asked("GET Patient")) == 1
    assert not [one for one in ehr.requests if one.url.host == "evil.example"]


def test_sm14_somebody_can_begin_here_and_choose_the_patient_there(app: Opened, ehr: FakeEhr) -> None:
    """SM14: without a launch the EHR is asked to let a patient be chosen; then all is as ever."""
    start = read_page(app.go("/launch").text)
    (address,) = [one for one in start.addresses() if "/launch?" in one]
    assert parse_qs(urlsplit(address).query) == {"iss": [BASE]}
    asked = asked_of(app.go(address).headers["location"])
    assert "launch" not in asked
    assert {"launch/patient"} == {scope for scope in asked["scope"].split() if "launch" in scope}
    back = app.go(ehr.sign_in(app.begin(ehr, None), "bert"))
    assert "Bert Example" in app.form(back.headers["location"].removeprefix(APP)).text
    assert "launch" in asked_of(app.begin(ehr))["scope"].split()


def test_sm16_no_more_is_asked_for_than_is_needed(app: Opened, ehr: FakeEhr, artefact: Artefact) -> None:
    """SM16: four kinds to read, those to write that were switched on; of observations only two kinds."""
    least = {"openid", "fhirUser", "launch", "patient/Patient.r"}
    least |= {f"patient/{kind}.rs" for kind in ("Condition", "Procedure", "Observation")}
    scopes = asked_of(app.begin(ehr))["scope"].split()
    assert len(set(scopes)) == len(scopes)
    assert set(scopes) == least | {f"patient/{kind}.c" for kind in WRITES}
    alone = replace(FakeEhr([]), issuer="https://other.example/r4")
    reads = opened(artefact, alone)
    assert set(asked_of(reads.begin(alone))["scope"].split()) == least
    app.form(app.open(ehr))
    queries = {ehr.place(one): dict(one.url.params) for one in ehr.requests[-4:]}
    of_anna = {"patient": "anna", "_count": "100"}
    codes = "http://loinc.org|31206-6,http://loinc.org|21983-2"
    assert queries == {
        "GET Patient": {},
        "GET Condition": of_anna,
        "GET Procedure": of_anna,
        "GET Observation": {**of_anna, "code": codes},
    }
