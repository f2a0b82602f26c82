"""The rules of telling a risk, held in every format at once: page, note, comparison, plain words, files, paper.

What a rule asks of one format alone stands with the tests of that format; the last test holds that each is quoted.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.document import read_model
from tests import invented
from tests.renderings import NO_INTERVAL, ORIGIN, PLAIN_ORIGIN, everything
from tests.web import BOTH, DISTANT, LOCAL, UNKNOWN, Page, another_artefact, client_of

OUTCOME = re.compile(r"\b(alive|live|die|died)\b")
DENOMINATOR = re.compile(r"\b[Oo]f (the )?100\b|\b100 people\b")
HORIZON = re.compile(r"\b\d+ (years?|months?)\b|\bmonth \d+\b|less than 1 month")
INTERVAL = re.compile(
    rf"95 % interval \S+ |95 % interval beyond|{NO_INTERVAL}|may be as low as|Too little is known to say"
)
PATIENTS: Sequence[tuple[Mapping[str, Any], int]] = [
    (LOCAL, 0),
    ({**LOCAL, "resection": "no", "interval_months": 3}, 30),
    ({**UNKNOWN, "interval_months": 200}, 59),
    (DISTANT, 0),
    ({**DISTANT, "subtype": "unknown", "interval_months": 100}, 13),
    (BOTH, 0),
    (BOTH, 48),
]
OTHER = {"local": {"other.resection": "unknown", "other.interval_months": "1"}, "distant": {"other.subtype": "ddlps"}}
OF_SMALL = {"kind": "invented", "size": 50, "grade": "g3", "site": "there"}


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> Iterator[TestClient]:
    with client_of(artefact) as opened:
        yield opened


def plain_figures(plain: Page) -> list[str]:
    """What the page for patients says of each time."""
    return [text for text in plain.texts("p", within="numbers") if text.startswith("Think of 100 people")]


def probability_sentences(page: Page, plain: Page, note: str) -> list[str]:
    """Every sentence, or text read aloud in place of a picture, that tells how many are alive."""
    (noted,) = [line for line in note.splitlines() if line.startswith("Of 100 people like this patient")]
    captions = [text for text in page.texts("p", within="figcaption") if "of 100" in text]
    pictures = [svg.attributes["aria-label"] for svg in (*page.all("svg", class_="hundred"), *plain.all("svg"))]
    compared = [element.attributes["data-said"] for element in page.all("div", class_="compared")]
    assert captions
    assert pictures
    return [
        page.one("article").attributes["data-said"],
        *page.texts("li", within="words"),
        *page.texts("li", within="spans"),
        *captions,
        page.one("desc").text,
        *pictures,
        *compared,
        noted,
        *plain_figures(plain),
        *plain.texts("li", within="spans"),
    ]


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_every_probability_sentence_is_complete_in_every_format(
    client: TestClient, features: Mapping[str, Any], alive: int
) -> None:
    """E1, E2: outcome, time origin, horizon and the one denominator 100; never "1 in x" and no other denominator."""
    found = everything(client, features, alive, **OTHER.get(features["pattern"], {}))
    assert bool(found.compared) == (features["pattern"] in OTHER)
    for sentence in probability_sentences(found.page, found.plain, found.note):
        assert OUTCOME.search(sentence), sentence
        assert DENOMINATOR.search(sentence), sentence
        assert any(origin in sentence for origin in (ORIGIN, PLAIN_ORIGIN)), sentence
        assert HORIZON.search(sentence), sentence
    for text in (found.page.text, found.note, found.plain.text, found.compared):
        assert not re.search(r"\b(1|one) in \d|\bout of (?!100)\d|\bof (?!100\b)\d+ people", text)


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_an_interval_follows_every_headline_figure_in_every_format(
    client: TestClient, features: Mapping[str, Any], alive: int
) -> None:
    """E10: in the table, the people, the words, the readings of the curve, the note, the comparison, plain words."""
    found = everything(client, features, alive, **OTHER.get(features["pattern"], {}))
    count = len(found.json["survival"])
    for row in found.page.table("figures"):
        assert re.fullmatch(r"[<>]?\d+ to [<>]?\d+|no interval", row[2])
    for row in found.page.table("both"):
        assert all(re.fullmatch(r"[<>]?\d+ to [<>]?\d+|no interval", cell) for cell in (row[2], row[4]))
    for texts in (
        found.page.texts("p", within="hundreds"),
        found.page.texts("li", within="words"),
        plain_figures(found.plain),
    ):
        assert len(texts) == count
        assert all(len(INTERVAL.findall(text)) == 1 for text in texts)
    said = [found.page.one("article").attributes["data-said"], found.page.one("desc").text]
    readings = [text for text in found.page.texts("p", within="figcaption") if "The solid line ends" in text]
    assert len(readings) == (count > 1 or found.json["survival"][-1]["months"] != 60) or count <= 2
    for text in (*said, *readings):
        assert INTERVAL.search(text)
    (noted,) = [line for line in found.note.splitlines() if line.startswith("Of 100 people like this patient")]
    assert len(INTERVAL.findall(noted)) == count
    if found.compared:
        assert len(INTERVAL.findall(found.page.one("div", class_="compared").attributes["data-said"])) == 2


def certain_artefact() -> Artefact:
    """A model in which nobody dies in its last month."""
    document = invented.document(invented.stratum(14))
    (stratum,) = document["strata"].values()
    for fit in stratum["fits"]["hazard"], stratum["fits"]["hazard_variance"], stratum["fits"]["hazard_gradient"]:
        for row in fit:
            row[-1] = row[-2]
    return Artefact(read_model(document | {"name": "certain"}, "2" * 64), {}, {})


def test_where_there_is_no_interval_every_format_says_so() -> None:
    """E10, DESIGN §4: a window without a death has no interval, which is told and never left out or made up."""
    found = everything(client_of(certain_artefact()), OF_SMALL, 12)
    (at,) = found.json["survival"]
    assert (at["months"], at["estimate"], at["lower"], at["upper"]) == (13, 1.0, None, None)
    assert found.page.table("figures")[0][1:4] == ["100", "no interval", "0"]
    for text in (
        found.page.one("article").attributes["data-said"],
        *found.page.texts("p", within="hundreds"),
        *found.page.texts("li", within="words"),
        found.page.one("desc").text,
        found.note,
    ):
        assert re.search(NO_INTERVAL, text)
    (plain,) = plain_figures(found.plain)
    assert "Too little is known to say how many of them may be alive 13 months after" in plain
    assert "There are no numbers on this page" in found.plain.text
    assert "Open one at a time" not in found.plain.text
    assert not found.plain.all("svg")
    assert found.csv.splitlines()[-1].startswith("13,1.0,,,")


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_alive_and_not_alive_are_both_shown_in_every_format(
    client: TestClient, features: Mapping[str, Any], alive: int
) -> None:
    """E3: table, people, words, pictures, data table, note, plain words: two figures that sum to 100."""
    found = everything(client, features, alive)
    parts = {"<1": 0, ">99": 100}
    pairs = [(row[1], row[3]) for row in found.page.table("figures") if len(row) > 2]
    pairs += [(row[1], row[3]) for row in found.page.table("rows")]
    (noted,) = [line for line in found.note.splitlines() if line.startswith("Of 100 people like this patient")]
    pictures = [e.attributes["aria-label"] for e in (*found.page.all("svg", class_="hundred"), *found.plain.all("svg"))]
    plain = [text for text in plain_figures(found.plain) if "By then," in text]
    assert len(plain) == len(found.plain.all("svg"))
    for pattern, texts in (
        (r"(NUM) alive \(.*\), (NUM) not alive", found.page.texts("p", within="hundreds")),
        (r"(NUM) (?:is|are) predicted .*, and (NUM) not\.", found.page.texts("li", within="words")),
        (r" (NUM) \([^)]*\), and (NUM) not", noted.split("; ")),
        (r"alive, (NUM);.*died, (NUM)\.", pictures),
        (r"\. .*?(NUM) .* alive .*\. By then, (?:about )?(NUM) may", plain),
    ):
        assert texts or texts is plain
        for text in texts:
            shown = text.replace("fewer than 1", "<1").replace("more than 99", ">99")
            match = re.search(pattern.replace("NUM", r"[<>]?\d+"), shown)
            assert match is not None, text
            pairs.append((match[1], match[2]))
    for one, rest in pairs:
        assert parts.get(one, one) == parts.get(one) or one.isdigit()
        assert int(parts.get(one, one)) + int(parts.get(rest, rest)) == 100


def test_figures_are_whole_but_in_json(client: TestClient) -> None:
    """E5: no figure on the page, in the note or in plain words has a decimal; JSON has every digit."""
    found = everything(client, {**LOCAL, "interval_months": 24}, 3)
    told = [*found.page.table("figures"), *found.page.table("rows"), *found.page.table("way")]
    texts = [cell for row in told for cell in row]
    texts += [
        found.note,
        found.plain.text,
        *found.page.texts("li", within="words"),
        *found.page.texts("li", within="spans"),
    ]
    for text in texts:
        assert not re.search(r"\d[.,]\d", text.replace(found.json["receipt"]["model"]["version"], "")), text
    assert all(len(str(at["estimate"])) > 8 for at in found.json["survival"])


def test_past_the_follow_up_every_format_stops_and_says_so() -> None:
    """E6: a model that follows for 13 months answers 1 year, and says of 2, 3 and 5 years that it cannot."""
    found = everything(client_of(another_artefact()), OF_SMALL)
    assert [at["months"] for at in found.json["survival"]] == [12]
    assert (found.json["support"]["last_month"], found.json["curve"]["months"][-1]) == (13, 13)
    rows = found.page.table("figures")
    assert [row[0] for row in rows] == ["1 year", "2 years", "3 years", "5 years"]
    assert [row[1] for row in rows[1:]] == ["not enough follow-up"] * 3
    assert len(rows[0][1:4]) == 3
    for text in (found.note, found.pdf, " ".join(found.page.texts("p", within="figcaption"))):
        assert re.search(r"Past\s+13\s+months.*not\s+enough\s+follow-up", text, re.DOTALL)
    assert [int(row[0]) for row in found.page.table("rows")] == [0, 6, 12, 13]
    for text in (*found.page.texts("li", within="words"), *found.plain.texts("summary", within="numbers")):
        assert not re.search(r"\b[235] years\b", text)
    assert len(found.csv.splitlines()) == 1 + 14


def test_spans_that_are_not_reached_say_so_in_every_format(client: TestClient) -> None:
    """E9: with most people alive at the last supported time nothing is made up; with few alive all are reached."""
    good = everything(client, {**LOCAL, "interval_months": 240}, 40)
    bad = everything(client, {**LOCAL, "resection": "no", "interval_months": 1})
    assert good.json["spans"]["median_months"] is None
    assert good.json["spans"]["best_tenth_months"] is None
    assert None not in bad.json["spans"].values()
    assert sum("reached" in text for text in good.page.texts("li", within="spans")) >= 2
    assert not any("not reached" in text for text in bad.page.texts("li", within="spans"))
    assert any("median" in text for text in bad.page.texts("li", within="spans"))
    assert any("60 months" in text or "5 years" in text for text in good.plain.texts("li", within="spans"))
    assert not any("60 months" in text or "5 years" in text for text in bad.plain.texts("li", within="spans"))


def test_every_rule_is_quoted_by_a_test() -> None:
    """Every rule from 1 to 38, but 28 and 32, which do not exist, is quoted where it is held; and no other is."""
    docstrings = [
        ast.get_docstring(node) or ""
        for file in sorted(Path(__file__).parent.glob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    quoted = {int(number) for text in docstrings for number in re.findall(r"\bE(\d+)\b", text)}
    assert quoted == set(range(1, 39)) - {28, 32}
