"""Which language answers, how it writes and reads numbers and dates, and what is said where it has no words."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from babel import Locale
from babel.messages.catalog import Catalog
from click.testing import CliRunner, Result
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.patient import Patient
from model.prediction import predict
from rps_prognosis import main
from server.application import create_app
from server.entering.tables import read_csv
from server.interface.batch import answer_rows
from server.served import prepare
from server.wording import language as languages
from server.wording.catalogue import source_catalogue, written
from server.wording.language import Language, chosen, english, language_of, read_language, released
from server.wording.refusing import of_table
from server.wording.telling import tell
from tests.pseudo import pseudo_catalogue, pseudo_language
from tests.web import LOCAL, PREDICTIONS, read_page, send_form

SERVED = {code: language_of(Locale.parse(code, sep="-")) for code in ("en", "de", "pt-BR")}


@pytest.fixture(scope="module")
def german(artefact: Artefact) -> Language:
    """Words of no language with the numbers of German."""
    return pseudo_language("de", [artefact])


@pytest.fixture(scope="module")
def client(artefact: Artefact, german: Language) -> TestClient:
    """English, and another language for whoever asks for it."""
    return TestClient(create_app([artefact], languages=[english(), german]), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def at_the_german_form(artefact: Artefact, german: Language) -> TestClient:
    return TestClient(create_app([artefact], languages=[german]), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-CH", "de"),
        ("De-ch,en;q=0.9", "de"),
        ("en-GB,de", "en"),
        ("EN-us", "en"),
        ("fr, de;q=0.5, en;q=0.7", "en"),
        ("fr, de;q=0.7, en;q=0.5", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("de;q=a lot", "en"),
        ("pt-br", "pt-BR"),
        ("pt-BR;q=0.8,en;q=0.2", "pt-BR"),
        (",,;q=1,", "en"),
    ],
)
def test_the_language_is_the_one_most_wanted_of_those_there_are(accepted: str, code: str) -> None:
    """Issue: by Accept-Language, in whatever case it is written; the first language where none asked for is there."""
    assert chosen(SERVED, accepted).code == code


@given(st.text(max_size=80) | st.from_regex(r"[a-zA-Z]{1,3}(-[a-zA-Z]{2})?(;q=[0-9.]{1,4})?", fullmatch=True))
def test_no_accept_language_is_a_failure(accepted: str) -> None:
    """Mistake 8: whatever is asked for, there is one of the languages to answer in."""
    assert chosen(SERVED, accepted) in SERVED.values()


@pytest.mark.parametrize(("accepted", "code"), [("de-AT, en;q=0.5", "de"), ("en", "en"), ("fr", "en"), ("DE", "de")])
def test_pages_and_interface_answer_in_the_language_asked_for(client: TestClient, accepted: str, code: str) -> None:
    """Issue: form, refusal, message, card and JSON alike; access: lang and dir of the page are those of its words."""
    headers = {"accept-language": accepted}
    pages = [
        client.get("/", headers=headers),
        client.get("/model", headers=headers),
        client.get("/nowhere", headers=headers),
        client.post("/", data={"pattern": "local"}, headers=headers),
    ]
    for response in pages:
        root = read_page(response.text).one("html").attributes
        assert (root["lang"], root["dir"]) == (code, "ltr")
        assert ("Nothing that is entered is stored." in response.text) == (code == "en")
    refused = client.post(PREDICTIONS, json={"features": {}}, headers=headers).json()
    for text in (refused["title"], refused["detail"], refused["problems"]["pattern"]):
        assert (text[0] == "«") == (code == "de")


def test_a_reader_who_asks_for_none_of_them_is_answered_in_the_first(artefact: Artefact, german: Language) -> None:
    """Issue: a hospital decides what its readers are answered in; the order says so."""
    for order, code in (([german, english()], "de"), ([english(), german], "en")):
        app = TestClient(create_app([artefact], languages=order))
        assert read_page(app.get("/", headers={"accept-language": "fr"}).text).one("html").attributes["lang"] == code


@pytest.mark.parametrize(
    ("code", "number", "ratio", "day", "moment"),
    [
        ("en", "7.5", "0.50", "5 March 2026", "5 March 2026, 13:04:09 UTC"),
        ("de", "7,5", "0,50", "5. März 2026", "5. März 2026, 13:04:09 UTC"),
        ("pt-BR", "7,5", "0,50", "5 de março de 2026", "5 de março de 2026, 13:04:09 UTC"),
        ("ja", "7.5", "0.50", "2026年3月5日", "2026年3月5日, 13:04:09 UTC"),
        ("he", "7.5", "0.50", "5 במרץ 2026", "5 במרץ 2026, 13:04:09 UTC"),
    ],
)
def test_numbers_and_dates_are_those_of_the_locale(code: str, number: str, ratio: str, day: str, moment: str) -> None:
    """Issue: numbers and dates by the locale; a month is in letters, or the year comes first, and so no day is one."""
    spoken = language_of(Locale.parse(code, sep="-"))
    assert spoken.code == code
    assert spoken.number(7.5) == number
    assert (spoken.number(24.0), spoken.number(12000.0)) == ("24", "12000")
    assert spoken.number(1e-7) == "0.0000001".replace(".", number[1])
    assert spoken.ratio(0.498) == ratio
    assert spoken.day(date(2026, 3, 5)) == day
    assert spoken.moment("2026-03-05T13:04:09+00:00") == moment == spoken.moment("2026-03-05T15:04:09+02:00")


@pytest.mark.parametrize("code", ["en", "de", "pt-BR", "he", "fa"])
def test_a_language_says_in_which_direction_it_is_read(code: str) -> None:
    """Access: right to left where it is."""
    assert language_of(Locale.parse(code, sep="-")).direction == ("rtl" if code in {"he", "fa"} else "ltr")


@pytest.mark.parametrize(("typed", "months"), [("7,5", 7.5), (" 7,5 ", 7.5), ("24", 24.0), ("+0,25", 0.25)])
def test_a_decimal_comma_is_read_where_the_locale_writes_it(
    at_the_german_form: TestClient, artefact: Artefact, german: Language, typed: str, months: float
) -> None:
    """E18: "7,5" is read in a locale that writes it so, as the number that it is, and repeated as it writes it."""
    page = send_form(at_the_german_form, {**LOCAL, "interval_months": typed})
    assert page.status == 200
    patient = Patient.parse(artefact.model.features, {**LOCAL, "interval_months": months})
    prediction = predict(artefact.model, patient)
    served = prepare(artefact, german)
    assert page.texts("p", class_="said")[0] == tell(german, served.model, prediction).sentences[0]
    shown = german.number(months)
    assert f"{shown} «" in page.one("dl", class_="inputs").text
    assert page.one("input", id="q1").attributes["value"].strip() == typed.strip()


@pytest.mark.parametrize(
    "typed",
    [
        "7.5",
        "1.000",
        "1_0",
        "NaN",
        "nan",
        "inf",
        "1e9",
        "1e1",
        "7,5,5",
        "7,",
        ",5",
        "0x10",
        "٣",
        "\uff17",  # full width
        "seven",
        "--7",
        "7 5",
    ],
)
def test_what_is_no_number_in_the_locale_is_refused(
    at_the_german_form: TestClient, german: Language, typed: str
) -> None:
    """E18: a decimal point is no comma; refused with the range and an example as the locale writes it, and kept."""
    page = send_form(at_the_german_form, {**LOCAL, "interval_months": typed})
    assert page.status == 422
    field = page.one("input", name="interval_months")
    assert field.attributes["value"] == typed
    assert field.attributes["aria-invalid"] == "true"
    (problem,) = page.texts("p", class_="problem")
    assert "240" in problem
    assert german.number(7.5) in problem
    assert "7.5" not in problem or typed == "7.5"


@pytest.mark.parametrize("typed", ["-7,5", "0", "0,0", "240,5", "1000000000"])
def test_what_is_beyond_the_limits_is_refused_in_the_locale(at_the_german_form: TestClient, typed: str) -> None:
    """E18: below and above; refused, naming the range, and repeated in the locale's numbers, not clamped."""
    page = send_form(at_the_german_form, {**LOCAL, "interval_months": typed})
    assert page.status == 422
    (problem,) = page.texts("p", class_="problem")
    assert "240" in problem
    assert typed.replace("0,0", "0") in problem
    assert page.one("input", name="interval_months").attributes["value"] == typed


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_is_no_number_in_any_language(at_the_german_form: TestClient, blank: str) -> None:
    """E18: blank means not given."""
    assert send_form(at_the_german_form, {**LOCAL, "interval_months": blank}).status == 422
    assert send_form(at_the_german_form, LOCAL, alive_months=blank).status == 200


@pytest.mark.parametrize(("typed", "status"), [("7,5", 422), ("7.5", 200)])
def test_a_decimal_comma_is_refused_in_english(client: TestClient, typed: str, status: int) -> None:
    """E18: "7,5" is refused in English, where it could be a separator of thousands."""
    assert send_form(client, {**LOCAL, "interval_months": typed}).status == status


@pytest.mark.parametrize("accepted", ["en", "de"])
@pytest.mark.parametrize("value", ["7,5", "7.5", "1_0", "NaN", "1e9", "", 1e9, -1, True])
def test_json_writes_numbers_in_its_own_way_in_every_language(client: TestClient, accepted: str, value: object) -> None:
    """E18: text is no number in JSON, whatever language the answer is in; limits hold."""
    headers = {"accept-language": accepted}
    features: dict[str, Any] = {**LOCAL, "interval_months": value}
    refused = client.post(PREDICTIONS, json={"features": features}, headers=headers)
    assert refused.status_code == 422
    assert "240" in refused.json()["problems"]["interval_months"]
    answered = client.post(PREDICTIONS, json={"features": {**LOCAL, "interval_months": 7.5}}, headers=headers).json()
    assert answered["receipt"]["inputs"]["interval_months"] == 7.5


def test_a_table_writes_numbers_in_its_own_way_in_every_language(artefact: Artefact, german: Language) -> None:
    """E18: a file is read the same whoever reads it: a point, never a comma."""
    table = read_csv('pattern,interval_months,resection\nlocal,7.5,yes\nlocal,"7,5",yes\n')
    rows = list(answer_rows(prepare(artefact, german), table, of_table(german)))
    assert [row.answer is None for row in rows] == [False, True]
    assert "7.5" in rows[1].problems["interval_months"]


def test_months_from_dates_are_shown_in_the_locales_numbers_and_dates(at_the_german_form: TestClient) -> None:
    """Issue: computed from dates, and so shown with them, all three as the locale writes them."""
    dates = {"interval_months.begin": "2024-01-31", "interval_months.end": "2025-03-05"}
    sent = {"pattern": "local", "resection": "no", **dates, "alive_months.end": "2025-05-06"}
    page = send_form(at_the_german_form, sent)
    assert page.status == 200
    inputs = page.one("dl", class_="inputs").text
    for shown in ("13,1 «", "31. Januar 2024", "5. März 2025", "2 «", "6. Mai 2025"):
        assert shown in inputs


def test_a_missing_translation_is_told_in_english_as_a_whole_sentence(artefact: Artefact) -> None:
    """E34: of the text alone that is missing, in English with the values of this patient; nothing half and half."""
    source = source_catalogue([artefact])
    partial = pseudo_catalogue(Locale("de"), source)
    sentence, plural = "All patients with %(phrase)s", ("%(n)s year", "%(n)s years")
    unsure = "How sure"
    partial.delete(sentence)
    partial.delete(plural[0])
    partial[unsure].flags.add("fuzzy")
    spoken = language_of(Locale("de"), partial)
    assert spoken.sentences.say("reference_label", phrase="x") == "All patients with x"
    assert (spoken.duration(12), spoken.duration(36)) == ("1 year", "3 years")
    assert spoken.duration(18).startswith("«18 ")
    served = prepare(artefact, spoken)
    phrase = served.model.features.stratum.levels[0].phrase
    assert served.statements["local"].reference_label == f"All patients with {phrase}"
    page = send_form(TestClient(create_app([artefact], languages=[spoken])), LOCAL)
    assert "How sure" in page.texts("h2")
    assert [text for text in page.texts("h2") if text and text[0] != "«"] == ["How sure"]


def test_without_a_catalogue_it_is_english_words_with_the_locales_numbers(artefact: Artefact) -> None:
    """E34: every sentence falls back, and every one of them whole."""
    spoken = language_of(Locale("de"), Catalog(locale="de"))
    page = send_form(TestClient(create_app([artefact], languages=[spoken])), {**LOCAL, "interval_months": "7,5"})
    own = send_form(TestClient(create_app([artefact])), {**LOCAL, "interval_months": "7.5"})
    assert page.texts("p", class_="said")[0] == own.texts("p", class_="said")[0]
    assert page.texts("h2") == own.texts("h2")
    assert "7,5 months" in page.one("dl", class_="inputs").text


@pytest.mark.parametrize(
    ("code", "forms", "told"),
    [
        ("pl", ("%(n)s rok", "%(n)s lata", "%(n)s lat"), {1: "1 rok", 2: "2 lata", 5: "5 lat", 22: "22 lata"}),
        ("ja", ("%(n)s年",), {1: "1年", 2: "2年", 5: "5年"}),
        ("de", ("%(n)s Jahr", "%(n)s Jahre"), {1: "1 Jahr", 2: "2 Jahre", 5: "5 Jahre"}),
    ],
)
def test_a_language_counts_by_its_own_rules(code: str, forms: tuple[str, ...], told: dict[int, str]) -> None:
    """E33: plural rules, as many forms as the language has."""
    catalogue = Catalog(locale=code)
    catalogue.add(("%(n)s year", "%(n)s years"), forms)
    spoken = language_of(Locale(code), catalogue)
    assert {years: spoken.duration(12 * years) for years in told} == told


@pytest.fixture
def catalogues(artefact: Artefact, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of catalogues with a language in it, and a file that is named by none."""
    monkeypatch.setattr(languages, "CATALOGUES", tmp_path)
    (tmp_path / "pt-BR.po").write_bytes(written(pseudo_catalogue(Locale("pt", "BR"), source_catalogue([artefact]))))
    (tmp_path / "klingon.po").write_bytes(b"")
    return tmp_path


def test_a_released_language_is_read_from_its_catalogue(catalogues: Path) -> None:
    """Issue: a translation, named by its language and put into the folder, can be served."""
    assert {path.stem for path in catalogues.iterdir()} == {"pt-BR", "klingon"}
    assert released() == ["en", "klingon", "pt-BR"]
    spoken = read_language("pt-BR")
    assert (spoken.code, spoken.decimal, spoken.duration(12)[0]) == ("pt-BR", ",", "«")
    assert read_language("en") is english()


@pytest.mark.usefixtures("catalogues")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("fr", "there is no catalogue for 'fr'; the languages are en, klingon, pt-BR"),
        ("pt_BR", "there is no catalogue for 'pt_BR'"),
        ("", "there is no catalogue for ''"),
        ("../pt-BR", "there is no catalogue for '../pt-BR'"),
        ("klingon", "'klingon' is not a language"),
    ],
)
def test_a_language_that_cannot_be_read_is_refused_with_the_reason(code: str, reason: str) -> None:
    """Whoever starts the server reads it, and what there is instead."""
    with pytest.raises(ValueError, match=f"^{reason}"):
        read_language(code)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FastAPI]]:
    """The applications that "serve" started, without their answering at a port."""
    apps: list[FastAPI] = []

    class Server:
        def __init__(self, config: uvicorn.Config) -> None:
            assert isinstance(config.app, FastAPI)
            apps.append(config.app)

        def run(self, sockets: list[Any]) -> None:
            for listening in sockets:
                listening.close()

    monkeypatch.setattr(uvicorn, "Server", Server)
    yield apps
    gc.unfreeze()  # which the command freezes for good


def serve(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["serve", "--model", str(folder), "--port", "0", *options])


@pytest.mark.usefixtures("catalogues")
@pytest.mark.parametrize(
    ("options", "asked", "code"),
    [
        ((), "pt-BR", "en"),
        (("--language", "pt-BR"), "en", "pt-BR"),
        (("--language", "en", "--language", "pt-BR"), "fr", "en"),
        (("--language", "pt-BR", "--language", "en"), "fr", "pt-BR"),
        (("--language", "pt-BR", "--language", "en"), "en", "en"),
    ],
)
def test_the_command_line_says_which_languages_answer(
    artefact_folder: Path, started: list[FastAPI], options: tuple[str, ...], asked: str, code: str
) -> None:
    """Issue: serve --language, English without it; repeated, the first answers whoever asks for none of them."""
    done = serve(artefact_folder, *options)
    assert done.exit_code == 0
    (app,) = started
    page = read_page(TestClient(app).get("/", headers={"accept-language": asked}).text)
    assert page.one("html").attributes["lang"] == code


@pytest.mark.usefixtures("catalogues")
def test_a_language_that_is_not_there_stops_the_start(artefact_folder: Path, started: list[FastAPI]) -> None:
    """A short message with the languages that there are, exit code 2, before anything listens."""
    done = serve(artefact_folder, "--language", "en", "--language", "fr")
    assert done.exit_code == 2
    assert "there is no catalogue for 'fr'; the languages are en, klingon, pt-BR" in " ".join(done.stderr.split())
    assert not started
