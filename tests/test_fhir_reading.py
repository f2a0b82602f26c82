"""Reading a record: within the EHR's own address, as far as it goes, and every way of failing has a name."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from httpx2 import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from server.fhir import asking
from server.fhir.finding import findings_of
from server.fhir.reading import KINDS
from tests.invented import small_model
from tests.record_server import ELSEWHERE, RECORD, TOKEN, Server, as_answered, failing, ok, pages, read, why
from tests.records import BASE, FILLED, PATIENT, TODAY, Resource, bundle, histology, primary, recurrence


def test_all_that_is_asked_of_a_record_is_asked_of_this_patient_with_the_token() -> None:
    """SM16: four types, of one patient, each once; and of the observations only those that are used."""
    server = Server()
    record = read(server)
    assert (record.resources, record.unread, record.refused) == (RECORD, (), False)
    assert record.patient == RECORD["Patient"][0]
    assert dict(findings_of(small_model(), record.resources, BASE, TODAY).filled) == FILLED
    asked = {str(one.url.copy_with(query=None)): dict(one.url.params) for one in server.asked}
    assert asked == {
        f"{BASE}/Patient/{PATIENT}": {},
        f"{BASE}/Condition": {"patient": PATIENT, "_count": "100"},
        f"{BASE}/Procedure": {"patient": PATIENT, "_count": "100"},
        f"{BASE}/Observation": {
            "patient": PATIENT,
            "_count": "100",
            "code": "http://loinc.org|31206-6,http://loinc.org|21983-2",
        },
    }
    assert len(server.asked) == len(asked)
    assert {(one.method, one.headers["authorization"]) for one in server.asked} == {("GET", f"Bearer {TOKEN}")}


@pytest.mark.parametrize(
    "following",
    [
        f"{BASE}/Condition?page=2",
        f"{BASE}?_getpages=b7f&_getpagesoffset=1&_count=1",
        f"{BASE}/?_getpages=b7f",
        BASE.replace(".example", ".example:443") + "?page=2",
        BASE.replace("https://ehr", "HTTPS://EHR") + "/pages/2",
        "/fhir/R4/Condition?page=2",
        "Condition?page=2",
    ],
)
def test_a_search_is_read_over_all_its_pages(following: str) -> None:
    """A next page is asked for as the server names it, with the token, below the server's own address."""
    later = [recurrence(f"later-{number}") for number in range(3)]
    answer = pages(following, None, resources=[[primary()], later])
    server = Server(Condition=answer)
    record = read(server, ["Condition"])
    assert record.resources["Condition"] == [primary(), *later]
    assert len(server.asked) == 2
    second = server.asked[-1]
    assert second.url == httpx2.URL(f"{BASE}/").join(following)
    assert second.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "following",
    [
        ELSEWHERE,
        BASE.replace("https", "http"),
        BASE.replace(".example", ".example:8443"),
        BASE.replace("ehr.", "ehr2."),
        BASE.replace(".example", ".example.evil.example"),
        BASE.replace("ehr.hospital.example", "ehr.hospital.example@evil.example"),
        BASE.replace("ehr.hospital.example", "evil.example\\@ehr.hospital.example"),
        BASE.replace("https://", "https://anna@") + "/Condition?page=2",
        BASE.replace("https://", "https://anna:secret@") + "/Condition?page=2",
        "https://ehr.hospital.example/pages/2",
        "https://ehr.hospital.example",
        "/fhir/Condition?page=2",
        "/fhir/R5/Condition?page=2",
        "/fhir/R45/Condition?page=2",
        "/fhir/r4/Condition?page=2",
        "/other?base=/fhir/R4/",
        "../R5/Condition?page=2",
        f"{BASE}/../R5/Condition?page=2",
        f"{BASE}/%2e%2e/R5/Condition?page=2",
        f"{BASE}/..%2FR5/Condition?page=2",
        f"{BASE}/..\\R5/Condition?page=2",
        f"{BASE}/..;/R5/Condition?page=2",
        "//elsewhere.example/fhir/R4/Condition",
        "ftp://ehr.hospital.example/fhir/R4",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_the_token_goes_nowhere_else(following: str) -> None:
    """SM13: a next page on another origin, without TLS or of another tenant is not asked for; that type is not used."""
    server = Server(Condition=pages(following, None, resources=[[primary()], [recurrence()]]))
    record = read(server)
    assert why(record) == {"Condition": ("ehr_leads_elsewhere", 0)}
    assert set(record.resources) == {"Patient", "Procedure", "Observation"}
    assert len(server.asked) == 4
    assert {one.url.host for one in server.asked} == {"ehr.hospital.example"}
    assert {one.url.scheme for one in server.asked} == {"https"}


@given(st.text() | st.text("/:@[]\\?#.%\t\n https0e", max_size=12).map(lambda text: f"https:{text}"))
def test_whatever_a_next_page_is_called_the_token_stays(following: str) -> None:
    """SM13: no text of a link leads a request to another host, and none is a failure of the program."""
    server = Server(Condition=pages(following, None))
    record = read(server, ["Condition"])
    assert {(one.url.scheme, one.url.netloc) for one in server.asked} == {("https", b"ehr.hospital.example")}
    assert {one.url.path[:8] for one in server.asked} == {"/fhir/R4"}
    assert len(record.resources) + len(record.unread) == len(KINDS)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", [ELSEWHERE, f"{BASE}/Condition?again"])
def test_no_redirect_is_followed(status: int, target: str) -> None:
    """SM13: nor to another host, and nor to the same one: the token goes where we say."""
    server = Server(Condition=as_answered(status, location=target))
    assert why(read(server)) == {"Condition": ("ehr_refused", status)}
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 403, 404, 410, 422, 429, 500, 502, 503])
def test_a_refusal_is_told_and_the_rest_is_read(status: int) -> None:
    """One type that cannot be read takes nothing along; a 401 says besides that the right to read has ended (SM12)."""
    record = read(Server(Observation=as_answered(status, json.dumps(bundle(histology())))))
    assert why(record) == {"Observation": ("ehr_refused", status)}
    assert record.resources == {kind: RECORD[kind] for kind in KINDS if kind != "Observation"}
    assert record.refused == (status == 401)


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (httpx2.ConnectError(f"no route to {BASE}/Patient/{PATIENT}"), "ehr_unreachable"),
        (httpx2.ConnectTimeout("late"), "ehr_too_slow"),
        (httpx2.ReadTimeout("late"), "ehr_too_slow"),
        (httpx2.PoolTimeout("late"), "ehr_too_slow"),
        (httpx2.ReadError("broken off"), "ehr_unreachable"),
        (httpx2.RemoteProtocolError("no HTTP"), "ehr_unreachable"),
        (httpx2.InvalidURL("no address"), "ehr_unreachable"),
    ],
)
def test_a_failing_network_is_told(failure: Exception, sentence: str) -> None:
    """Every failure has a sentence, and none that is kept holds the address, which names the patient (S2)."""
    record = read(Server(Patient=failing(failure), Procedure=failing(failure)))
    assert why(record) == {"Patient": (sentence, 0), "Procedure": (sentence, 0)}
    assert set(record.resources) == {"Condition", "Observation"}
    assert record.patient is None
    for one in record.unread:
        assert PATIENT not in f"{one.failure!r}{one.failure}"
        assert (one.failure.__cause__, one.failure.__suppress_context__) == (None, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"Bundle"',
        b"NaN",
        b"<html>Please sign in</html>",
        b"\xff\xfe\x00",
        json.dumps(bundle(primary())).encode()[:-20],
        b'{"resourceType": "Bundle", "a": ' + b"[" * 100_000,
        b'{"resourceType": "Bundle", "a": ' + b"1" * 10_000 + b"}",
        b'{"resourceType": "OperationOutcome"}',
        b'{"resourceType": ["Bundle"]}',
        b"{}",
        json.dumps(primary()).encode(),
    ],
)
def test_what_cannot_be_read_is_told(content: bytes) -> None:
    """Anything but a whole Bundle is no answer to a search, and anything but a Patient is no patient."""
    record = read(Server(Condition=as_answered(200, content), Patient=as_answered(200, content)))
    assert why(record) == {"Patient": ("ehr_unreadable", 0), "Condition": ("ehr_unreadable", 0)}
    assert set(record.resources) == {"Procedure", "Observation"}


def test_an_answer_may_be_so_large_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger is not read to its end, however it is packed."""
    content = json.dumps(bundle(primary())).encode()
    monkeypatch.setattr(asking, "LARGEST_ANSWER", len(content))
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        for number in range(1_000_000):
            sent.append(number)
            yield b" " * 1000

    assert read(Server(Condition=as_answered(200, content)), ["Condition"]).resources == {"Condition": [primary()]}
    packed = gzip.compress(content + b" ")
    assert len(packed) < len(content)
    larger = (as_answered(200, content + b" "), as_answered(200, packed, **{"content-encoding": "gzip"}))
    for answer in (*larger, lambda _: Response(200, content=endless())):
        record = read(Server(Condition=answer), ["Condition"])
        assert why(record)["Condition"] == ("ehr_too_large", 0)
        assert record.resources == {}
    assert len(sent) < 10


def test_a_record_may_hold_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not read to its end fills nothing in: what contradicts may stand on the next page."""
    monkeypatch.setattr(asking, "MOST_RESOURCES", 3)
    for count, read_of in ((3, 3), (4, 0)):
        many = [primary(f"primary-{number}") for number in range(count)]
        for answer in (pages(None, resources=[many]), pages("?page=2", None, resources=[many[:2], many[2:]])):
            record = read(Server(Condition=answer), ["Condition"])
            assert len(record.resources.get("Condition", ())) == read_of
            assert (why(record).get("Condition") is None) == (count == 3)


@pytest.mark.parametrize("resources", [[], [[primary()]] * 1000])
def test_pages_without_end_are_given_up(resources: list[list[Resource]]) -> None:
    """Pages that lead to themselves, empty or not, are asked for so often and no more."""
    server = Server(Condition=pages(f"{BASE}/Condition?page=2", resources=resources))
    assert why(read(server)) == {"Condition": ("ehr_too_many", 0)}
    assert server.times("Condition") == asking.MOST_PAGES
    last = Server(Condition=pages(*[f"{BASE}/Condition?page=2"] * (asking.MOST_PAGES - 1), None))
    assert read(last).unread == ()


def test_a_server_that_never_finishes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly an answer drips, the whole of it has its time and no more."""
    monkeypatch.setattr(asking, "SECONDS", 0.01)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async def silent(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    for server in (silent, lambda _: Response(200, content=dripping())):
        record = read(server)
        assert why(record) == dict.fromkeys(KINDS, ("ehr_too_slow", 0))
        assert record.resources == {}


def test_a_whole_record_may_be_so_large_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    """All types and all pages together: what was read to its end by then is used, and the rest is not."""
    sizes = [len(ok(RECORD[kind][0] if kind == "Patient" else bundle(*RECORD[kind])).content) for kind in KINDS]
    for most, whole in ((sum(sizes), True), (sum(sizes) - 1, False)):
        monkeypatch.setattr(asking, "LARGEST_RECORD", most)
        record = read(Server())
        assert (record.unread == ()) == whole
        assert set(why(record).values()) <= {("ehr_too_large", 0)}
        assert len(record.resources) + len(record.unread) == len(KINDS)
    endless = Server(Condition=pages(f"{BASE}/Condition?page=2"))
    monkeypatch.setattr(asking, "LARGEST_RECORD", 3 * len(ok(bundle(following=f"{BASE}/Condition?page=2")).content))
    for _ in range(2):
        assert why(read(endless, ["Condition"]))["Condition"] == ("ehr_too_large", 0)
    assert endless.times("Condition") == 2 * 4


def test_a_whole_record_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes its time over every page, and never too long over one: what is not finished is not used."""
    monkeypatch.setattr(asking, "RECORD_SECONDS", 0.2)
    asked = 0
    ordinary = Server()

    async def slow(request: Request) -> Response:
        nonlocal asked
        if not request.url.path.endswith("/Condition"):
            return ordinary(request)
        asked += 1
        await asyncio.sleep(0.02)
        return Response(200, json=bundle(primary(), following=f"{BASE}/Condition"))

    record = read(slow)
    assert why(record) == {"Condition": ("ehr_too_slow", 0)}
    assert set(record.resources) == {"Patient", "Procedure", "Observation"}
    assert 1 < asked < asking.MOST_PAGES
