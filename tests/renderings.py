"""What each rendering of a result says, read back from it: figures as they are shown, whatever they stand in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from starlette.testclient import TestClient

from model.rounding import percent, percent_of_the_rest
from server.wording.language import english
from tests.web import Page, read_page

ORIGIN = "after this recurrence was diagnosed"
PLAIN_ORIGIN = "after the cancer was found to have come back"
NO_INTERVAL = r"no (?:95 % )?interval, because [^)]*"
SHEET = (2400, 1000)
"""How wide and high the drawing's sheet is."""

NUMBER, TIME = r"[<>]?\d+", r"\d+ (?:years?|months?)"
INTERVAL = rf"(?:95 % interval (?P<lower>{NUMBER}) to (?P<upper>{NUMBER})|{NO_INTERVAL})"
PREDICTED = rf"(?P<alive>{NUMBER}) (?:is|are) predicted to be alive (?P<time>{TIME}) {ORIGIN}"
SENTENCE = re.compile(rf"{PREDICTED} \({INTERVAL}\), and (?P<rest>{NUMBER}) not\.")
READING = re.compile(rf"the solid line is at (?P<line>{NUMBER}): of 100 people .*?{PREDICTED} \({INTERVAL}\)")
ENDING = re.compile(rf"The solid line ends at (?P<line>{NUMBER}): of 100 people .*?{PREDICTED} \({INTERVAL}\)")
ANNOUNCED = re.compile(rf"{PREDICTED} \({INTERVAL}\); for all people .* it is (?P<reference>{NUMBER}) of 100\.")
PEOPLE = re.compile(rf"(?P<time>{TIME}) (?P<alive>{NUMBER}) alive \({INTERVAL}\), (?P<rest>{NUMBER}) not alive")
NOTED = re.compile(rf"(?P<time>{TIME}), (?P<alive>{NUMBER}) \({INTERVAL}\), and (?P<rest>{NUMBER}) not")
COMPARED = re.compile(
    rf"Predicted to be alive (?P<time>{TIME}) {ORIGIN}: of 100 people like this patient[^,]*, (?P<alive>{NUMBER}) "
    rf"\({INTERVAL}\), and (?P<rest>{NUMBER}) not; of 100 people like the different patient(?:, also alive at {TIME})?"
    rf", (?P<other>{NUMBER}) \((?:95 % interval (?P<other_lower>{NUMBER}) to (?P<other_upper>{NUMBER})|{NO_INTERVAL})\)"
    rf", and (?P<other_rest>{NUMBER}) not\."
)
PLAIN = re.compile(
    rf"people like you[^.]*\. .*?(?P<alive>{NUMBER}) .*? alive (?P<time>{TIME}) {PLAIN_ORIGIN}\. "
    rf"(?:That is (?P<later>{TIME}) later\. )?.*?(?P<rest>{NUMBER}) may have died\. "
    rf".*? as low as (?P<lower>{NUMBER}) or as high as (?P<upper>{NUMBER})\."
)
RISK = re.compile(
    rf"Predicted for (?P<rest>{NUMBER}) of 100 people like this patient: death from any cause by (?P<time>{TIME}) "
    rf"{ORIGIN}(?:, given that the patient is alive {TIME} {ORIGIN})? "
    rf"\((?:95 % interval (?P<rest_lower>{NUMBER}) to (?P<rest_upper>{NUMBER})|{NO_INTERVAL})\)\."
)
NOT_TOLD = re.compile(rf"Too little is known to say .* alive (?P<time>{TIME}) {PLAIN_ORIGIN}\.")


@dataclass(frozen=True, slots=True)
class Shown:
    """One headline figure as it is shown: digits, "<1" or ">99"."""

    time: str
    alive: str
    limits: tuple[str, str] | None
    not_alive: str


def expected(answer: Mapping[str, Any]) -> list[Shown]:
    """The headline figures of the interface, rounded as they are to be shown."""
    return [
        Shown(
            english().duration(at["months"]),
            percent(at["estimate"]),
            None if at["lower"] is None else (percent(at["lower"]), percent(at["upper"])),
            percent_of_the_rest(at["estimate"]),
        )
        for at in answer["survival"]
    ]


def in_digits(text: str) -> str:
    """A sentence with its words for the ends of the scale as they are shown in tables."""
    return text.replace("more than 99", ">99").replace("fewer than 1", "<1")


def limits_of(found: Mapping[str, str | None], prefix: str = "") -> tuple[str, str] | None:
    """The limits that a pattern found, None where the text says that there are none."""
    lower, upper = found[f"{prefix}lower"], found[f"{prefix}upper"]
    return None if lower is None or upper is None else (lower, upper)


def told(pattern: re.Pattern[str], texts: Sequence[str]) -> list[Shown]:
    """The figures of sentences of one kind; each text must hold exactly one."""
    figures = []
    for text in texts:
        (match,) = pattern.finditer(in_digits(text))
        found = match.groupdict()
        rest = found.get("rest") or rest_of(found["alive"])
        figures.append(Shown(found["time"], found["alive"], limits_of(found), rest))
    return figures


def told_as_risks(texts: Sequence[str]) -> list[Shown]:
    """The figures of sentences about a risk, turned round: as many are alive as are left of 100."""
    figures = []
    for text in texts:
        found = RISK.fullmatch(in_digits(text))
        assert found is not None, text
        limits = limits_of(found.groupdict(), "rest_")
        alive = None if limits is None else (rest_of(limits[1]), rest_of(limits[0]))
        figures.append(Shown(found["time"], rest_of(found["rest"]), alive, found["rest"]))
    return figures


def rest_of(shown: str) -> str:
    """What is left of 100 beside a figure."""
    return {"<1": ">99", ">99": "<1"}.get(shown) or str(100 - int(shown))


def cell_limits(text: str) -> tuple[str, str] | None:
    """The limits in a cell of a table."""
    if text == "no interval":
        return None
    lower, upper = text.split(" to ")
    return lower, upper


def in_table(rows: Sequence[Sequence[str]]) -> list[Shown]:
    """The figures of the headline table or of the data table, but for times that are not followed up."""
    return [Shown(at_time(row[0])[0], row[1], cell_limits(row[2]), row[3]) for row in rows if len(row) > 2]


def at_time(text: str) -> tuple[str, str | None]:
    """The time of a row, and how long that is from when the patient is known to be alive."""
    match = re.fullmatch(rf"({TIME}|\d+)(?: ({TIME}) after last known to be alive)?", text)
    assert match is not None, text
    return match[1], match[2]


def pictured(page: Page) -> Iterator[tuple[int, int]]:
    """How many squares and circles each picture of 100 people has; every one of its 100 places is taken once."""
    paths = [path.attributes["d"] for path in page.all("path", within="hundred")]
    for squares, circles in zip(paths[::2], paths[1::2], strict=True):
        counts = squares.count("h8v8h-8z"), circles.count("a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z")
        starts = [[(int(x) // 10, int(y) // 10) for x, y in re.findall(r"M(\d+) (\d+)", d)] for d in (squares, circles)]
        assert (len(starts[0]), len(starts[1])) == counts
        assert sorted(starts[0] + starts[1]) == [(x, y) for x in range(10) for y in range(10)]
        yield counts


def line_of(page: Page, class_: str) -> list[tuple[float, float]]:
    """A line of the curve, read off its sheet: months across the time axis, and the share that is alive."""
    numbers = [int(number) for number in page.one("polyline", class_=class_).attributes["points"].split(", ")]
    labels = page.texts("text", within="ticks")
    axis = max(int(label) for label in labels[5:])
    return [(axis * x / SHEET[0], 1 - y / SHEET[1]) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def note_in(page_html: str) -> str:
    """The note for the record, with its lines."""
    (note,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", page_html, re.DOTALL)
    return html.unescape(str(note))


def hidden(page: Page) -> dict[str, str]:
    """What the form for taking the result along sends unseen."""
    fields = page.all("input", type="hidden", within="record")
    return {field.attributes["name"]: field.attributes["value"] for field in fields}


def months_told(months: float | None) -> str | None:
    """A span as it is told: whole months, and in words below one."""
    if months is None:
        return None
    whole = int(months + 0.5)
    return "less than 1 month" if whole < 1 else english().sentences.say("months", number=whole)


def span_interval_told(limits: Sequence[float | None], last: int) -> str:
    """The interval of a span as it is told."""
    lower, upper = (months_told(limit) for limit in limits)
    beyond = f"beyond the {last} months that the data support"
    if lower is None:
        return f"95 % interval {beyond}"
    return f"95 % interval {lower} to {upper or beyond}"


@dataclass(frozen=True)
class Everything:
    """One result in every format."""

    page: Page
    note: str
    plain: Page
    json: dict[str, Any]
    csv: str
    pdf: str

    @property
    def compared(self) -> str:
        """What the comparison says, nothing where it was not asked for."""
        return " ".join(self.page.texts("div", class_="compared"))


def compact(text: str) -> str:
    """Text without its spaces, which a printer sets as it likes."""
    return re.sub(r"\s+", "", text)


def everything(client: TestClient, features: Mapping[str, Any], alive: int = 0, **fields: str) -> Everything:
    """Ask for a result, and take it along in every way that its page offers."""
    sent = {**features, "alive_months": alive or "", **fields}
    page_html = client.post("/", data=sent).text
    page = read_page(page_html)
    taken = hidden(page)
    pdf = PdfReader(BytesIO(client.post("/download/result.pdf", data=taken).content))
    return Everything(
        page=page,
        note=note_in(page_html),
        plain=read_page(client.post("/patient", data=taken | {"clinician": "seen"}).text),
        json=client.post("/download/result.json", data=taken).json(),
        csv=client.post("/download/curve.csv", data=taken).text,
        pdf=" ".join(sheet.extract_text() for sheet in pdf.pages),
    )
