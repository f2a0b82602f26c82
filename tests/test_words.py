"""The words: whole sentences from templates, that keep the rules of telling a risk; and no feature is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.fitted import Model
from model.rounding import percent
from server.pages.heeding import EXCLUDED, PAST, SETTLED_AFTER
from server.wording.language import english
from server.wording.naming import phrase_of, value_text
from tests.web import BOTH, DISTANT, LOCAL, UNKNOWN, client_of, read_page, send_form

ROOT = Path(__file__).parent.parent
PYTHON = sorted((ROOT / "server").rglob("*.py"))
TEMPLATES = [path for path in sorted((ROOT / "templates").rglob("*")) if path.is_file() and path.suffix != ".pyc"]

OUTCOME, DENOMINATOR = re.compile(r"\b(alive|live|die|died)\b"), re.compile(r"\b[Oo]f 100\b")
INTERVAL = re.compile(r"95 % interval (((fewer|less) than )?\d+( months?)? to|beyond) |no interval, because")
ORIGIN = "after this recurrence was diagnosed"
ADVICE = re.compile(
    r"\b(recommend(s|ed)?|should|ought|must be treated|advis(e|ed|able)|candidate for)\b", re.IGNORECASE
)
ADJECTIVES = re.compile(
    r"\b(high|low|higher|lower|good|bad|poor|favou?rable|unfavou?rable|likely|unlikely|grim|excellent)[ -]"
    r"(risk|prognosis|outcome|survival|chance)",
    re.IGNORECASE,
)
CAUSES = re.compile(
    r"\b(because of|thanks to|due to|owing to|improves?|increases?|reduces?|benefits?)\b", re.IGNORECASE
)
ASKED = [
    (LOCAL, 0),
    ({**LOCAL, "resection": "no", "interval_months": 3}, 30),
    ({**UNKNOWN, "interval_months": 200}, 59),
    (UNKNOWN, 0),
    (DISTANT, 0),
    ({**DISTANT, "subtype": "unknown"}, 13),
    (BOTH, 0),
    (BOTH, 48),
]


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


def said_literals() -> Iterator[tuple[str, str]]:
    """Every sentence that the code asks for by a literal name: (name, file)."""
    for path in [*PYTHON, *(ROOT / "commands").glob("*.py"), ROOT / "rps_prognosis.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, path.name


@pytest.mark.parametrize("path", [*PYTHON, *TEMPLATES], ids=lambda path: path.name)
def test_no_server_code_and_no_template_names_a_feature(path: Path, artefact: Artefact) -> None:
    """DESIGN §4: adding a predictor, or serving a model for another disease, changes no server code."""
    text = path.read_text(encoding="utf-8")
    codes = {level.code for feature in artefact.model.features.all for level in feature.levels}
    for name in (*(feature.name for feature in artefact.model.features.all), *(codes - {"yes", "no", "other", "both"})):
        assert not re.search(rf"\b{name}\b", text, re.IGNORECASE), name


def test_every_sentence_is_said_somewhere() -> None:
    """E33: a sentence that nothing says is one that a translator would write for nobody."""
    code = {literal for literal, _ in said_literals()}
    templates = " ".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    model = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "model").glob("*.py"))
    for words in (english().sentences, english().refusals):
        for name in words.macros:
            inside = len(re.findall(rf"\b{name}\(|\|{name}\b", templates)) > 1
            assert name in code or inside or f'"{name}"' in model, name


def test_each_warning_has_its_plain_words() -> None:
    """E29: a warning that the page for patients does not know must not pass as another one, or as none."""
    warned = re.compile(r'(?:WarningTold\(|InputWarning\(code=)"(\w+)"')
    code = " ".join(
        path.read_text(encoding="utf-8") for name in ("model", "server") for path in (ROOT / name).rglob("*.py")
    )
    codes = {*warned.findall(code), PAST, EXCLUDED, SETTLED_AFTER}
    assert len(codes) > 8
    assert [one for one in codes if not english().sentences.say("plain_warning", code=one)] == []
    assert english().sentences.say("plain_warning", code="another") == ""


def test_no_sentence_is_written_twice() -> None:
    """E33: of two macros of one name the later would silently be said in place of the other."""
    for folder in ("sentences", "refusals"):
        texts = [path.read_text(encoding="utf-8") for path in TEMPLATES if path.parent.name == folder]
        names = [name for text in texts for name in re.findall(r"{%-? macro (\w+)\(", text)]
        assert len(names) == len(set(names)) > 99, folder


def test_a_sentence_that_is_not_written_is_an_error() -> None:
    """Undefined names must not print as nothing."""
    with pytest.raises(KeyError):
        english().sentences.say("never_written")
    with pytest.raises(Exception, match="origin"):
        english().sentences.say("not_enough_follow_up", last=60)


def test_no_sentence_is_glued_together_in_code() -> None:
    """E33: nowhere in the server do three words stand in a row, but in docstrings and in what only operators read."""
    for path in PYTHON:
        if path.name in {"application.py", "safeguards.py", "assets.py", "audit.py"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        to_operators = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "message" for t in node.targets)
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                spoken = re.search(r"[a-z]+ [a-z]+ [a-z]+", node.value)
                assert not spoken or id(node) in docstrings | to_operators, (path.name, node.value)


@pytest.mark.parametrize(("features", "alive"), ASKED)
def test_probability_sentences_are_complete(client: TestClient, features: dict[str, object], alive: int) -> None:
    """E1, E2, E10: outcome, time origin, horizon, the denominator 100 and an interval in each; no other denominator."""
    page = send_form(client, features, alive_months=alive)
    spans, words = page.texts("li", within="spans"), page.texts("li", within="words")
    readings = [text for text in page.texts("p", within="figcaption") if "the solid line is at" in text]
    assert (len(spans), len(words), len(readings)) == (4, len(page.table("figures")), 1)
    said = [sentence for sentence in page.texts("p", class_="said") if "100" in sentence]
    pictured = [svg.attributes["aria-label"] for svg in page.all("svg", class_="hundred")]
    assert len(pictured) == len(words)
    ranged = [element.text.split("Over its")[1] for element in page.all("div", class_="unknown")]
    for sentence in (*said, *readings, *spans, *words, *pictured, *ranged):
        assert DENOMINATOR.search(sentence), sentence
        assert OUTCOME.search(sentence), sentence
        assert ORIGIN in sentence, sentence
        assert re.search(r"\b\d+ (years?|months?)\b", sentence), sentence
    for sentence in (said[0], *readings, *spans, *words):
        assert INTERVAL.search(sentence), sentence
        assert ("who are alive" in sentence) == (alive > 0), sentence
    assert not re.search(r"\b1 in \d|\bone in\b|out of (?!100)\d", page.text)


@pytest.mark.parametrize(("features", "alive"), ASKED)
def test_no_advice_no_adjectives_no_causes(client: TestClient, features: dict[str, object], alive: int) -> None:
    """E2, E25, E23: no advice verbs, no adjective instead of a number, nothing credited to a treatment."""
    sent = {**features, "alive_months": alive, "clinician": "seen"}
    for address in ("/", "/patient"):
        text = read_page(client.post(address, data=sent).text).text
        assert ("What may lie ahead" in text) == (address == "/patient")
        for pattern in (ADVICE, ADJECTIVES, CAUSES):
            found = pattern.search(text)
            assert found is None, found
    for path in TEMPLATES:
        if path.suffix in {".html", ".txt"}:
            words = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            assert not ADVICE.search(words), path
            assert not CAUSES.search(words), path


def test_no_metric_stands_in_a_template() -> None:
    """E37: performance figures come from the card; templates hold 95, 100, limits, drawings, an example of a date."""
    for path in TEMPLATES:
        if path.suffix not in {".html", ".txt"}:
            continue
        text = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        text = re.sub(r"such as \d{4}-\d{2}-\d{2}\.", " ", text)
        assert not re.search(r"\b0?\.\d+\b|\bc-?(index|statistic)\b|\bAUC\b|\bBrier\b", text, re.IGNORECASE), path
        assert set(re.findall(r"\d+", text)) <= {"0", "1", "10", "20", "25", "50", "95", "99", "100", "256", "8"}, path


@pytest.mark.parametrize("alive", [0, 6])
@pytest.mark.parametrize(
    ("share", "shown"), [(0.004, "fewer than 1 is"), (0.01, "1 is"), (0.5, "50 are"), (0.997, "more than 99 are")]
)
def test_people_are_counted_with_the_right_verb(share: float, shown: str, alive: int) -> None:
    """E5, E33: plural rules, and the ends in words, in every sentence that counts people; 1 and 100 of the interval."""
    say = english().sentences.say
    common = {"horizon": 12, "survival": share, "lower": 0.01, "upper": 1.0, "alive": alive, "origin": ORIGIN}
    read = say("worked_reading", **common)
    assert percent(share) in read
    for told in (
        read,
        say("at_horizon", not_alive="7", **common),
        say("estimate", phrase="a recurrence", reference=0.5, **common),
    ):
        assert f"{shown} predicted to be alive 1 year" in told
        assert "(95 % interval 1 to 100)" in told


@pytest.mark.parametrize(
    ("points", "says"), [(3, "3 more of 100"), (-3, "3 fewer of 100"), (0, "as many of 100"), (-1, "1 fewer of 100")]
)
@pytest.mark.parametrize("alive", [0, 12])
def test_a_contribution_is_told_as_more_fewer_or_as_many(points: int, says: str, alive: int) -> None:
    """E22, E33: each a whole sentence of its own."""
    told = english().sentences.say(
        "contribution",
        predictor="an interval",
        points=points,
        phrase="a recurrence",
        origin=ORIGIN,
        horizon=36,
        alive=alive,
    )
    assert told.startswith("In this prediction, an interval goes with")
    assert says in told
    assert ("alive at 1 year" in told) == bool(alive)
    assert told.endswith(".")


@pytest.mark.parametrize("alive", [0, 12])
def test_spans_that_are_not_reached_say_so(alive: int) -> None:
    """E9: a span not reached says so, with its interval and of whom it speaks; one that is reached does not."""
    say, one, two = english().sentences.say, "95 % interval, this", "95 % interval, that"
    common = {"last": 60, "origin": ORIGIN, "alive": alive}
    best = {"survival": 0.3, "survival_interval": "95 % interval 20 to 40"}
    for name, more, not_reached, reached in (
        ("worst_tenth", {}, "Fewer than 10 of 100", f"About 10 of 100 … to die within 8 months {ORIGIN}"),
        ("best_tenth", best, "outlive is not reached", f"About 10 of 100 … to live beyond 8 months {ORIGIN}"),
        ("median", {}, "is not reached: more than 50 of 100", f"About 50 of 100 … to be alive 8 months {ORIGIN}"),
    ):
        told, known = (say(name, number=number, interval=one, **common, **more) for number in (None, 8))
        assert f"60 months {ORIGIN}" in told
        assert not_reached in told
        assert "60 months" not in known
        assert not_reached not in known
        assert all(part in known for part in reached.split(" … "))
        assert told.count(f"({one})") == known.count(f"({one})") == 1
        assert all(("who are alive at 1 year" in text) == bool(alive) for text in (told, known))
    assert "30 are predicted to be alive 60 months" in say("best_tenth", number=None, interval=one, **common, **best)
    middle = {"begin_interval": one, "end_interval": two, **common}
    nothing = say("middle_half", begin=None, end=None, **middle)
    assert "Fewer than 25 of 100" in nothing
    assert f"within 60 months {ORIGIN}" in nothing
    assert f"is not reached ({one})" in nothing
    half = say("middle_half", begin=8, end=None, **middle)
    assert f"about 25 are predicted to die within 8 months {ORIGIN} ({one})" in half
    assert f"is not reached within the 60 months that the data support ({two})" in half
    whole = say("middle_half", begin=8, end=31, **middle)
    assert f"for 8 months ({one}) to 31 months ({two}) {ORIGIN}" in whole
    assert "not reached" not in whole
    assert all(("who are alive at 1 year" in text) == bool(alive) for text in (nothing, half, whole))


def test_the_interval_of_a_span_says_where_it_leaves_the_data() -> None:
    """E9, E10: both limits, the lower one alone, or none within what the data support."""
    say = english().sentences.say
    assert say("span_interval", lower=1, upper=9, last=60) == "95 % interval 1 month to 9 months"
    assert say("span_interval", lower=0, upper=1, last=60) == "95 % interval less than 1 month to 1 month"
    for lower, told in ((4, "95 % interval 4 months to beyond"), (None, "95 % interval beyond")):
        text = say("span_interval", lower=lower, upper=None, last=60)
        assert text == f"{told} the 60 months that the data support"


@pytest.mark.parametrize(
    ("months", "words"), [(1, "1 month"), (11, "11 months"), (12, "1 year"), (18, "18 months"), (60, "5 years")]
)
def test_durations(months: int, words: str) -> None:
    """E33."""
    assert english().duration(months) == words


@pytest.mark.parametrize(
    ("number", "text"), [(24.0, "24"), (7.5, "7.5"), (240, "240"), (0.1, "0.1"), (1e-7, "0.0000001")]
)
def test_numbers_are_written_as_people_write_them(number: float, text: str) -> None:
    """No ".0", no exponent."""
    assert english().number(number) == text


def test_a_registrys_small_numbers_are_hidden() -> None:
    """E14: hidden below 10."""
    say = english().sentences.say
    assert "fewer than 10 patients" in say("registry_support", patients=None, deaths=None, hidden=True, phrase="x")
    assert "fewer than 10 died" in say("registry_support", patients=25, deaths=None, hidden=True, phrase="x")
    assert "died" not in say("registry_support", patients=25, deaths=None, hidden=False, phrase="x")
    assert "of whom 12 died" in say("registry_support", patients=25, deaths=12, hidden=False, phrase="x")


def test_every_page_has_one_language_and_one_title(client: TestClient) -> None:
    """Access: lang set."""
    asked = [client.get(address) for address in ("/", "/model", "/nowhere")]
    sent = [{"pattern": ""}, dict(LOCAL), {**LOCAL, "clinician": "seen"}]
    posted = [client.post(address, data=data) for address, data in zip(("/", "/", "/patient"), sent, strict=True)]
    assert [response.status_code for response in (*asked, *posted)] == [200, 200, 404, 422, 200, 200]
    for response in (*asked, *posted):
        page = read_page(response.text)
        assert page.one("html").attributes["lang"] == "en"
        assert page.one("title", within="head").text
        assert len(page.all("h1")) == 1


def test_one_is_written_as_one(model: Model) -> None:
    """E33: plural rules. 1 is followed by the singular, every other number by the plural."""
    feature = next(feature for feature in model.features.predictors if feature.is_number)
    assert value_text(english(), feature, 1.0) == "1 month"
    assert value_text(english(), feature, 2.0) == "2 months"
    assert value_text(english(), feature, 1.5) == "1.5 months"
    assert "1 month from" in phrase_of(english(), feature, 1.0)
    assert "2 months from" in phrase_of(english(), feature, 2.0)
