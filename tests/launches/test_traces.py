"""What a patient leaves behind after launches of every kind: nothing but what was taken along and written on purpose.

The server runs as in a hospital: by its command, with a file of EHRs and its log, behind a relay that ends TLS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect, sync_playwright

from tests.browsing import LEFT_BEHIND, NOTHING, SUBMIT
from tests.ehr_peer import Peer, peering
from tests.hospitals import (
    ANNA,
    BERT,
    CLIENT,
    confirm,
    inside,
    opened,
    opened_here,
    predict,
    record_of_anna,
    record_of_bert,
    save,
    staying,
    text_of,
)
from tests.relay import Relay, relaying
from tests.test_serve import serve

FILE = """
address = "{address}"
[[ehr]]
name = "Test Hospital"
issuer = "{issuer}"
client_id = "{client}"
ca_file = "{ca}"
write = ["RiskAssessment", "Observation", "DocumentReference"]
frame_ancestors = ["{origin}"]
"""

TYPED = "73.45"
OF_PATIENTS = (
    *("Anna", "Example", "Bert", "1957", "1961", "anna", "bert", TYPED),
    *("2018-03", "2020-06", "2015-05", "2022-09", "8890/3", "128462008", "C48.0"),
)
"""Of the two patients: names, birth dates, ids (theirs and their resources'), what was typed, dates and codes."""

STATIC = "/static/"
COOKIES = """() => {
  try { return [localStorage.length] } catch { return [document.cookie] }
}"""
PLACES = r"/l/[\w-]{24}/(fragment|patient|save|end|download/[a-z]+\.[a-z]+)?(#[a-z0-9-]+)?"
OTHERS = r"/(launch|callback|model|fragment|static/[0-9a-f]{12}/[a-z]+\.[a-z]+)?(#[a-z0-9-]+)?"


@dataclass(slots=True)
class Left:
    """Everything that was left anywhere."""

    peer: Peer
    address: str
    relay: Relay
    tokens: set[str] = field(default_factory=set)
    log: str = ""
    addresses: list[str] = field(default_factory=list)
    referrers: set[tuple[str, str]] = field(default_factory=set)
    """From where, to which side."""
    answers: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    """The form's: address, status, headers."""
    cookies: list[dict[str, Any]] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)
    """What scripts could find in the browser, page by page."""
    profile: dict[str, bytes] = field(default_factory=dict)

    def watch(self, context: BrowserContext) -> None:
        """Note every address and every header from now on."""

        def answered(response: Response) -> None:
            if response.url.startswith(self.address):
                self.answers.append((response.url.removeprefix(self.address), response.status, dict(response.headers)))

        def begun(page: Page) -> None:
            page.on("framenavigated", lambda frame: self.addresses.append(frame.url))

        context.on("request", lambda request: self.addresses.append(request.url))
        context.on("response", answered)
        context.on("page", begun)

    def look(self, page: Page) -> None:
        """What scripts of the form could find now, and what the browser would go back to."""
        for frame in page.frames:
            if frame.url.startswith(self.address):
                # In a frame of another site there is no storage at all where third-party cookies are blocked.
                framed = frame.parent_frame is not None
                self.kept.append(frame.evaluate(COOKIES) + NOTHING[1:] if framed else frame.evaluate(LEFT_BEHIND))
                assert frame.evaluate("history.state") is None
        history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
        for entry in history["entries"]:
            self.addresses += [entry["url"], entry["userTypedURL"], entry["title"]]


def go_through(left: Left, context: BrowserContext) -> None:
    """Launches of two patients, with everything that can be done and much that can go wrong."""
    peer, app = left.peer, left.address
    page = context.new_page()
    form = opened(page, peer.launch("one", ANNA, app=app))
    form.locator(SUBMIT).click()
    expect(form.locator(".summary")).to_be_visible()
    predict(form)
    for button in ("PDF", "Curve as CSV", "Result as JSON, with the receipt"):
        with page.expect_download():
            form.get_by_role("button", name=button, exact=True).click()
    form.get_by_role("button", name="Open the page for the patient").click()
    expect(form.locator(".plain-words")).to_be_visible()
    form.get_by_role("button", name="Back to the clinician").click()
    expect(form.locator("article.result")).to_be_visible()
    peer.fault("status", "/fhir/R4/RiskAssessment$", value=422)
    assert save(form).startswith("Nothing was written")
    assert save(form).startswith("Written")
    left.look(page)
    form.get_by_role("link", name="Read the record again").click()
    expect(form.locator(".start")).to_be_visible()
    confirm(form)
    peer.revoke()
    form.get_by_role("link", name="Read the record again").click()
    assert "This launch is over" in text_of(form, ".summary")
    form.locator('input[name="pattern"][value="local"]').check()
    form.locator('input[name="interval_months"]').fill(TYPED)
    form.locator('input[name="resection"]').first.check()
    form.locator(SUBMIT).click()
    expect(form.locator("article.result")).to_be_visible()
    left.look(page)
    for kind in ("garbage", "truncated"):
        peer.fault("garbage" if kind == "garbage" else "truncated", "/fhir/R4/Condition")
        opened(page, peer.launch(kind, ANNA, app=app))
        assert inside(page).url.startswith(f"{app}/l/")
    peer.fault("status", "/auth/token", value=500)
    opened(page, peer.launch("failed", ANNA, app=app))
    opened_here(page, peer.launch("window", BERT, app=app), app)
    predict(page, "30")
    save(page, "As a document (PDF)")
    page.reload()
    left.look(page)
    page.get_by_role("button", name="Close this launch").click()
    expect(page.locator("h1")).to_have_text("This launch is closed")
    left.look(page)
    left.cookies = [dict(cookie) for cookie in context.cookies()]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, artefact_folder: Path) -> Iterator[Left]:
    """All that there is after that, once the browser and the server have ended."""
    folder = tmp_path_factory.mktemp("traces")
    with peering(folder) as peer, relaying(peer.certificates) as relay:
        address = f"https://127.0.0.1:{relay.port}"
        facts = {"address": address, "issuer": peer.issuer, "client": CLIENT, "ca": peer.ca.name, "origin": peer.origin}
        (folder / "ehr.toml").write_text(FILE.format(**facts), encoding="utf-8")
        peer.register_client(CLIENT, [f"{address}/callback"])
        peer.put([*record_of_anna(), *record_of_bert()])
        found = Left(peer, address, relay)
        with serve(artefact_folder, "--ehr", str(folder / "ehr.toml"), "--access-log") as (process, port):
            relay.to = port
            with sync_playwright() as playwright, staying(playwright, folder / "profile") as context:
                found.watch(context)
                go_through(found, context)
            process.terminate()
            found.log = process.communicate()[0]
        headers = [one["headers"] for one in peer.requests()]
        found.tokens = {one["authorization"].removeprefix("Bearer ") for one in headers if "authorization" in one}
        found.referrers = {("EHR", one["referer"]) for one in headers if "referer" in one}
        for asked in relay.asked:
            found.referrers |= {("form", one.decode()) for one in re.findall(rb"(?im)^referer: (.*)\r$", asked)}
        found.profile = {str(path): path.read_bytes() for path in (folder / "profile").rglob("*") if path.is_file()}
        yield found


def in_text(text: str, left: Left) -> list[str]:
    """What of a patient, and which token, stands in a text."""
    return [secret for secret in (*OF_PATIENTS, *left.tokens) if re.search(rf"(?<!\w){re.escape(secret)}", text)]


def test_the_run_was_a_whole_one(left: Left) -> None:
    """What follows would find nothing in an empty log either."""
    assert len(left.tokens) == 4
    assert {one["resourceType"] for one in left.peer.created()} == {"RiskAssessment", "DocumentReference"}
    whole = b"".join(left.relay.answered)
    assert b"Anna Maria Example" in whole
    assert b"73.45 months" in whole
    assert {200, 303, 401, 422, 502} <= {status for _, status, _ in left.answers}


def test_the_log_names_no_patient(left: Left) -> None:
    """S2, SM9: a line for each request, without a query: no value, no id, no token, no code, no state."""
    lines = left.log.splitlines()
    asked = [line for line in lines if '" ' in line and "HTTP/1.1" in line]
    for place in (
        "GET /launch HTTP",
        "GET /callback HTTP",
        "/fragment HTTP",
        "/save HTTP",
        "/download/result.pdf HTTP",
    ):
        assert [line for line in asked if place in line], place
    assert len(asked) > 30
    assert in_text(left.log, left) == []
    assert "?" not in left.log
    assert "code" not in left.log
    assert "Traceback" not in left.log
    assert "failed" not in left.log


def test_no_address_holds_anything_of_a_patient(left: Left) -> None:
    """S2, SM9: not in what was asked for, nor in the history; behind a question mark stands what SMART puts there."""
    assert in_text("\n".join(left.addresses), left) == []
    ours = {one.removeprefix(left.address) for one in left.addresses if one.startswith(left.address)}
    queries = {one for one in ours if "?" in one}
    names = {frozenset(re.findall(r"[?&](\w+)=", one)) for one in queries}
    assert names == {frozenset({"iss", "launch"}), frozenset({"code", "state"})}
    assert {one.partition("?")[0] for one in queries} == {"/launch", "/callback"}
    assert [one for one in ours - queries if not re.fullmatch(f"{PLACES}|{OTHERS}", one)] == []


def test_the_answer_of_the_ehr_is_left_at_once(left: Left) -> None:
    """EHR.md section 6: the address that holds the code is answered by a 303, but for a launch that failed."""
    answers = [(status, headers) for place, status, headers in left.answers if place.startswith("/callback?")]
    assert [status for status, _ in answers].count(HTTPStatus.BAD_GATEWAY) == 1
    gone = [headers["location"] for status, headers in answers if status == HTTPStatus.SEE_OTHER]
    assert len(gone) == len(answers) - 1
    assert [one for one in gone if not re.fullmatch(re.escape(left.address) + PLACES, one)] == []


def test_cookies_hold_nothing(left: Left) -> None:
    """S1, S2: each is of one launch, for this host, for TLS, out of scripts' reach, apart for each portal, random."""
    assert left.cookies
    for cookie in left.cookies:
        assert re.fullmatch(r"__Host-launch-[\w-]{24}", cookie["name"])
        assert re.fullmatch(r"[\w-]{43}", cookie["value"])
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "None")
    set_by_us = re.findall(rb"(?im)^set-cookie: (.*)\r$", b"".join(left.relay.answered))
    for one in set_by_us:
        assert re.fullmatch(
            rb"__Host-launch-[\w-]{24}=([\w-]{43})?; Path=/; Max-Age=\d+; Secure; HttpOnly; SameSite=None; Partitioned",
            one,
        )


def test_no_referrer_tells_of_a_launch(left: Left) -> None:
    """S2: no page of the form says where somebody came from; an EHR says no more than its own address."""
    for side, referrer in left.referrers:
        assert referrer.startswith(left.peer.origin), (side, referrer)
        assert side == "EHR" or referrer == f"{left.peer.origin}/"
    assert in_text("\n".join(one for _, one in left.referrers), left) == []


def test_nothing_may_be_kept(left: Left) -> None:
    """S2: every answer is no-store and tells no referrer, but for what no patient changes."""
    pages = [(place, headers) for place, _, headers in left.answers if not place.startswith(STATIC)]
    assert len(pages) > 20
    for place, headers in pages:
        assert headers["cache-control"] == "no-store", place
        assert headers["referrer-policy"] == "no-referrer", place


def test_the_browser_keeps_nothing(left: Left) -> None:
    """S2: no storage holds anything, and no file of the browser's own profile does once it has been closed.

    A form that is sent as a page of its own, as without scripts, stays in the file by which Chromium reopens its tabs.
    """
    assert len(left.kept) >= 4
    assert left.kept == [NOTHING] * len(left.kept)
    assert any("History" in name for name in left.profile)
    for name, content in left.profile.items():
        for secret in (*OF_PATIENTS[:4], "anna-", "bert-", TYPED, "2018-03-01", "2015-05-04", *left.tokens):
            assert secret.encode() not in content, (name, secret)
            assert secret.encode("utf-16-le") not in content, (name, secret)


def test_no_token_leaves_the_server(left: Left) -> None:
    """SM9: no token and no verifier stands in anything that went to a browser or came from one."""
    verifiers = {
        match[1] for one in left.peer.requests() if (match := re.search(r"code_verifier=([\w.~-]+)", str(one["body"])))
    }
    assert len(verifiers) >= 4
    for heard in (*left.relay.asked, *left.relay.answered):
        assert [one for one in (*left.tokens, *verifiers) if one.encode() in heard] == []
