"""Who opened or wrote to whose record is written down where a hospital wants it, and nothing is written otherwise."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from httpx2 import ReadTimeout

from model.artefact import Artefact
from server.smart import audit
from server.smart.audit import UNANSWERED, add_line
from tests.fake_ehr import CLIENT, USER, WRITES, FakeEhr, Instead, Opened, fields_of, opened, said, save, written
from tests.records import BASE, WHOLE
from tests.validators import problems_of

KINDS = "Patient, Condition, Procedure, Observation"
READ, WROTE = ("E", "0", KINDS), ("C", "0", "RiskAssessment")
CONFIRMED = ("pattern", "interval_months", "resection")
TYPED = {"alive_months": "0", "subtype": ""}
BOTH = {**TYPED, "pattern": "both", "interval_months.begin": "", "interval_months.end": "", "resection": ""}
ROOT = Path(__file__).parent.parent
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.ndjson"


@pytest.fixture
def app(artefact: Artefact, ehr: FakeEhr, file: Path) -> Opened:
    return opened(artefact, ehr, write=WRITES, audit_file=file)


def events(file: Path) -> list[dict[str, Any]]:
    """The events of a file, each on one line."""
    text = file.read_text(encoding="utf-8")
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def told(file: Path) -> list[tuple[str, str | None, str]]:
    """Of each access: what was done, how it ended, with what; None where its beginning alone is there."""
    accesses: dict[str, dict[str, Any]] = {}
    for one in events(file):
        identifier = one["entity"][1]["what"]["identifier"]["value"]
        assert ("outcome" in one) == (identifier in accesses)
        assert "outcome" in one or one["outcomeDesc"].startswith("Begun; ")
        accesses[identifier] = one
    return [(one["action"], one.get("outcome"), one["entity"][1]["description"]) for one in accesses.values()]


class Files:
    """The files that are opened to be written to, while somebody looks; a hook of this kind cannot be taken away."""

    looking = False
    opened: list[str]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note one opening; what Python keeps of its own modules is no matter here."""
        if self.looking and event == "open" and arguments[2] & WRITING and "__pycache__" not in str(arguments[0]):
            self.opened.append(str(arguments[0]))

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Those of some time."""
        self.opened, self.looking = [], True
        yield self.opened
        self.looking = False


FILES = Files()
sys.addaudithook(FILES)


def test_without_a_file_nothing_is_written_anywhere(
    artefact: Artefact, ehr: FakeEhr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2: by default no file is touched, whatever is opened, predicted, written to the record or refused."""
    monkeypatch.chdir(tmp_path)
    app = opened(artefact, ehr, write=WRITES)
    with FILES.watched() as found:
        page = app.result(app.open(ehr), TYPED, CONFIRMED)
        save(app, page, 200)
        save(app, page, 200, "Observation")
        app.go("/l/nowhere/")
        assert found == []
        (tmp_path / "seen").touch()
        assert found == [str(tmp_path / "seen")]
    assert [one.name for one in tmp_path.iterdir()] == ["seen"]


def test_each_reading_and_each_writing_is_written_down(app: Opened, ehr: FakeEhr, file: Path) -> None:
    """S2: before it and after it; the reading before a writing, too; and nothing else is: no result, no other page."""
    place = app.open(ehr)
    assert not file.exists()
    fields = fields_of(app.form(place))
    assert told(file) == [READ]
    app.post(place, fields, 422)
    page = app.post(place, {**fields, **TYPED, **{f"confirmed.{name}": "yes" for name in CONFIRMED}})
    app.client.post(f"{place}download/result.json", data=fields_of(page, "save"))
    app.post(f"{place}save", {**fields_of(page, "save"), "save.as": "Patient"}, 403)
    assert told(file) == [READ]
    save(app, page, 200)
    assert told(file) == [READ, READ, WROTE]
    save(app, page, 200)
    app.post(f"{place}end", fields)
    app.form(place, 401)
    assert told(file) == [READ, READ, WROTE]


@pytest.mark.parametrize("status", [401, 403, 500, ReadTimeout("x")])
def test_what_failed_is_written_down_as_failed(app: Opened, ehr: FakeEhr, file: Path, status: Instead) -> None:
    """S2: who tried to open or to write, too; each is an event that FHIR allows."""
    place, other = app.open(ehr), app.open(ehr)
    page = app.result(place, TYPED, CONFIRMED)
    ehr.instead["POST RiskAssessment"] = status
    save(app, page, 401 if status == 401 else 502)
    assert told(file) == [READ, READ, ("C", "8", "RiskAssessment")]
    why = events(file)[-1]["outcomeDesc"]
    assert why == (f"Refused: HTTP status {status}." if isinstance(status, int) else UNANSWERED)
    ehr.instead["GET Condition"] = status
    app.form(other, 401 if status == 401 else 200)
    assert told(file)[3:] == [("E", "0", "Patient, Procedure, Observation")]
    ehr.instead = {f"GET {kind}": status for kind in KINDS.split(", ")}
    app.form(app.open(ehr), 401 if status == 401 else 200)
    assert told(file)[4:] == [("E", "8", KINDS)]
    assert problems_of(events(file)) == []


def test_where_nothing_may_be_read_there_is_no_reading(app: Opened, ehr: FakeEhr, file: Path) -> None:
    """S2: nothing was asked for."""
    app.form(app.open(ehr, scope="patient/Condition.r"))
    assert [place for place in ehr.places() if place.startswith("GET")] == []
    assert not file.exists()


def test_an_event_says_who_did_what_to_whose_record(app: Opened, ehr: FakeEhr, file: Path) -> None:
    """S2: as FHIR R4 has it: program, EHR and reader, the patient's id, the time; and no value of the patient."""
    save(app, app.result(app.open(ehr), TYPED, CONFIRMED), 200)
    app.form(app.open(ehr, id_token=None))
    assert problems_of(events(file)) == []
    for one in events(file):
        read = AuditEvent.model_validate(one)
        assert read.recorded is not None
        assert one["resourceType"] == "AuditEvent"
        assert one["type"]["code"] == "rest"
        assert one["entity"][0]["what"] == {"reference": "Patient/anna"}
    agents = [[agent["who"]["display"] for agent in one["agent"]] for one in events(file)]
    assert agents == [[CLIENT, BASE, f"{BASE}/{USER}"]] * 6 + [[CLIENT, BASE, "unknown"]] * 2
    assert [agent["requestor"] for agent in events(file)[0]["agent"]] == [False, False, True]
    text = file.read_text(encoding="utf-8")
    values = [value for resource in (*WHOLE, *ehr.created) for value in texts_in(resource, "")]
    assert len(values) > 50
    assert [value for value in values if value in text] == []
    assert [secret for secret in (*ehr.by_token, "code-1") if secret in text] == []


def texts_in(node: object, name: str) -> Iterator[str]:
    """Everything that a resource says of a patient, but for what every resource of its kind says."""
    if isinstance(node, dict):
        for key, member in node.items():
            yield from texts_in(member, key)
    elif isinstance(node, list):
        for member in node:
            yield from texts_in(member, name)
    elif name in {"text", "family", "given", "birthDate", "code", "display", "id", "div", "start", "end", "rationale"}:
        if str(node) not in {"anna", "unknown", "model", CLIENT}:
            yield str(node)
    elif name in {"onsetDateTime", "performedDateTime", "effectiveDateTime"} or name.startswith(
        ("probability", "value")
    ):
        yield str(node)


def test_nobody_else_can_read_the_file(app: Opened, ehr: FakeEhr, file: Path) -> None:
    """S2: whatever the surroundings would let others do; a file that is there is added to."""
    umask = os.umask(0)
    try:
        app.form(app.open(ehr))
    finally:
        os.umask(umask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_bytes()
    app.form(app.open(ehr))
    assert file.read_bytes().startswith(kept)
    assert told(file) == [READ, READ]


def test_what_cannot_be_written_down_is_not_done(app: Opened, ehr: FakeEhr, file: Path) -> None:
    """S2: nothing is read, shown or written, and the page of the failure says nothing of the patient."""
    place = app.open(ehr)
    page = app.result(place, TYPED, CONFIRMED)
    both = app.result(place, BOTH)
    file.unlink()
    file.mkdir()
    asked = ehr.places()
    failed = [app.form(place, 500), save(app, page, 500), save(app, both, 500, save__time_zero="2020-06-05")]
    assert (ehr.places(), written(ehr)) == (asked, [])
    assert [one for one in failed if "Anna" in one.html or "2018" in one.html] == []
    file.rmdir()
    save(app, page, 200)
    assert told(file) == [READ, WROTE]


def room_for(monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    """From now on the disk is full after so many lines."""
    left = iter(range(lines))

    def add(path: Path, text: str) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        add_line(path, text)

    monkeypatch.setattr(audit, "add_line", add)


@pytest.mark.parametrize("lines", [0, 1])
def test_a_record_is_not_read_or_not_shown_where_the_disk_is_full(
    app: Opened, ehr: FakeEhr, file: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """S2: nothing is asked for where no event fits; where the second does not, the first says that it was begun."""
    place, other = app.open(ehr), app.open(ehr)
    page = app.result(place, TYPED, CONFIRMED)
    before = len(ehr.requests)
    room_for(monkeypatch, lines)
    assert "Anna" not in app.form(other, 500).html
    room_for(monkeypatch, lines)
    assert "Anna" not in save(app, page, 500).html
    assert len(ehr.requests) - before == 2 * 4 * lines
    assert written(ehr) == []
    assert told(file) == [READ, *[("E", None, KINDS)] * 2 * lines]


def test_nothing_is_written_where_the_disk_is_full(
    app: Opened, ehr: FakeEhr, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2: where there was room for the reading before it alone."""
    page = app.result(app.open(ehr), TYPED, CONFIRMED)
    room_for(monkeypatch, 2)
    save(app, page, 500)
    assert written(ehr) == []
    assert told(file) == [READ, READ]
    monkeypatch.undo()
    save(app, page, 200)
    assert told(file) == [READ, READ, READ, WROTE]


@pytest.mark.parametrize(
    ("instead", "status", "sentence"),
    [
        (None, 200, " record as preliminary (RiskAssessment/1), with the receipt below."),
        (403, 502, "Nothing was written: The hospital refused it (status 403)."),
        (ReadTimeout("x"), 502, "It is not known whether the result was written."),
    ],
)
def test_what_was_written_is_told_where_the_disk_fills_up_in_between(
    app: Opened,
    ehr: FakeEhr,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    instead: Instead | None,
    status: int,
    sentence: str,
) -> None:
    """S2, RA10: that it was begun is there, the reader is told what became of it, and the operator what is missing."""
    page = app.result(app.open(ehr), TYPED, CONFIRMED)
    ehr.conditional = False
    ehr.instead.update({} if instead is None else {"POST RiskAssessment": instead})
    room_for(monkeypatch, 3)
    assert sentence in said(save(app, page, status))
    assert told(file) == [READ, READ, ("C", None, "RiskAssessment")]
    identifier = events(file)[-1]["entity"][1]["what"]["identifier"]["value"]
    (line,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert line.getMessage().startswith("The audit lacks how a write ended: [Errno 28] No space left on device")
    assert identifier in line.getMessage()
    assert [word for word in ("anna", "Anna", "2018", "local") if word in line.getMessage()] == []
    monkeypatch.undo()
    if instead is None:
        assert "record already" in said(save(app, page, 200))
        assert len(ehr.created) == 1


FULL = """
import resource, sys
from pathlib import Path
from server.smart.audit import add_line

path, room = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
for text in ("one", "two", "three"):
    try:
        add_line(path, text)
    except OSError as failure:
        print(failure.errno)
"""


@pytest.mark.parametrize("room", range(15))
def test_a_line_is_added_whole_or_not_at_all(file: Path, room: int) -> None:
    """S2: with room for none of it, or a part; what is refused leaves nothing behind, and what is there stays."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, file, str(room)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    fits = [text for text, end in (("one", 4), ("two", 8), ("three", 14)) if end <= room]
    assert file.read_text(encoding="utf-8") == "".join(f"{text}\n" for text in fits)
    assert len(done.stdout.split()) == 3 - len(fits)


def test_half_a_line_is_not_gone_on_with(file: Path) -> None:
    """S2: as a power failure leaves one; it stays for whoever looks at the file, and the next line is whole."""
    file.write_text('{"resourceType": "Aud', encoding="utf-8")
    add_line(file, "one")
    add_line(file, "two")
    assert file.read_text(encoding="utf-8") == '{"resourceType": "Aud\none\ntwo\n'


def test_several_that_add_at_once_cut_nothing_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2: where every second one has no room for all of its line, the lines of the others are there."""
    write = audit._write  # noqa: SLF001 - the one place that a full disk shows

    def short(descriptor: int, line: bytes) -> None:
        if b"short" in line:
            os.write(descriptor, line[:3])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(descriptor, line)

    monkeypatch.setattr(audit, "_write", short)

    def add(number: int) -> None:
        with suppress(OSError):
            add_line(file, f"{'short' if number % 2 else 'whole'}-{number:03}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(200)))
    assert sorted(file.read_text(encoding="utf-8").splitlines()) == [
        f"whole-{number:03}" for number in range(0, 200, 2)
    ]
