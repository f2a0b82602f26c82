"""Two EHRs, one of which answers for the other (RFC 9700, section 4.4; RFC 9207): neither code nor verifier leaves."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from model.artefact import Artefact
from tests.fake_ehr import APP, CALLBACK, TOKEN, FakeEhr, Opened, asked_of, opened
from tests.records import BASE, WHOLE

VALLEY = "https://ehr.valley.example/r4"


def city_ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE), name="City", at="city")


def valley_ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE), issuer=VALLEY, name="Valley", at="valley")


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, city_ehr(), valley_ehr())


@pytest.fixture
def city() -> FakeEhr:
    return city_ehr()


@pytest.fixture
def valley() -> FakeEhr:
    return valley_ehr()


@pytest.fixture
def app(program: Opened, city: FakeEhr, valley: FakeEhr) -> Opened:
    return program.anew(city, valley)


@pytest.fixture(scope="module")
def with_one(artefact: Artefact) -> Opened:
    """The program with an EHR that has no key, as there is no other."""
    return opened(artefact, FakeEhr([]))


def refused(app: Opened, address: str, *ehrs: FakeEhr) -> None:
    """The answer at this address is not taken: no EHR is asked for anything, and the launch is over."""
    asked = [ehr.places() for ehr in ehrs]
    response = app.go(address)
    assert response.status_code == 400
    assert "set-cookie" not in response.headers
    assert [ehr.places() for ehr in ehrs] == asked
    assert not any(ehr.asked(TOKEN) for ehr in ehrs)
    assert len(app.sessions) == 0


def test_each_ehr_has_a_redirect_address_of_its_own(app: Opened, city: FakeEhr, valley: FakeEhr) -> None:
    """The code is asked for there, comes there, and is changed with that address for a token, at the same EHR."""
    for ehr in (city, valley):
        location = app.begin(ehr)
        assert asked_of(location)["redirect_uri"] == f"{CALLBACK}/{ehr.at}"
        response = app.go(ehr.sign_in(location))
        assert response.status_code == 303
        (sent,) = ehr.asked(TOKEN)
        assert dict(parse_qsl(sent.content.decode()))["redirect_uri"] == f"{CALLBACK}/{ehr.at}"
        assert ehr.name in app.form(response.headers["location"].removeprefix(APP)).one("p", class_="opened").text


def test_what_another_ehr_gave_is_not_taken_to_the_one_that_was_asked(
    app: Opened, city: FakeEhr, valley: FakeEhr
) -> None:
    """The attack: City, taken over, passes the browser on to Valley, where somebody is signed in, to get its code."""
    asked = asked_of(app.begin(city))
    theirs = {**asked, "redirect_uri": f"{CALLBACK}/valley", "aud": VALLEY}
    back = valley.sign_in(f"{valley.origin}/auth/authorize?{urlencode(theirs)}")
    assert urlsplit(back).path == "/callback/valley"
    refused(app, back, city, valley)
    refused(app, city.sign_in(f"{city.origin}/auth/authorize?{urlencode(asked)}"), city, valley)


@pytest.mark.parametrize("path", ["", "/", "/valley", "/CITY", "/city/", "/city/x", "/other", "/%63ity%00"])
def test_an_answer_at_another_address_is_refused(app: Opened, city: FakeEhr, valley: FakeEhr, path: str) -> None:
    """The bare address among them: with several EHRs it is nobody's. A page that is none leaves the launch alone."""
    back = city.sign_in(app.begin(city))
    address = back.replace("/callback/city", f"/callback{path}")
    if path in ("/", "/city/", "/city/x"):
        assert app.go(address).status_code == 404
        assert not city.asked(TOKEN)
        assert app.go(back).status_code == 303
    else:
        refused(app, address, city, valley)
        refused(app, back, city, valley)


@pytest.mark.parametrize("iss", [VALLEY, "", f"{BASE}/", BASE.upper(), "https://evil.example", "None"])
def test_an_answer_by_another_name_is_refused(app: Opened, city: FakeEhr, valley: FakeEhr, iss: str) -> None:
    """RFC 9207: whoever gives a name gives that of the EHR that was asked, to the letter."""
    back = city.sign_in(app.begin(city))
    refused(app, f"{back}&{urlencode({'iss': iss})}", city, valley)
    refused(app, back, city, valley)


def test_an_answer_by_its_own_name_is_taken(app: Opened, city: FakeEhr) -> None:
    """RFC 9207: the name is the one that its configuration gives, which need not be that of its record."""
    assert app.go(f"{city.sign_in(app.begin(city))}&{urlencode({'iss': BASE})}").status_code == 303
    city.smart = city.claims = {"issuer": "https://login.city.example", "iss": "https://login.city.example"}
    back = city.sign_in(app.begin(city))
    assert app.go(f"{back}&{urlencode({'iss': 'https://login.city.example'})}").status_code == 303
    assert app.go(f"{city.sign_in(app.begin(city))}&{urlencode({'iss': BASE})}").status_code == 400


def test_an_ehr_that_has_said_no_name_gives_none(app: Opened, city: FakeEhr, valley: FakeEhr) -> None:
    """What cannot be compared is not believed; an answer without a name has its address to go by."""
    city.smart = {"issuer": None}
    refused(app, f"{city.sign_in(app.begin(city))}&{urlencode({'iss': BASE})}", city, valley)
    assert app.go(city.sign_in(app.begin(city), id_token=None)).status_code == 303


@pytest.mark.parametrize("path", ["", "/valley"])
def test_a_refusal_of_another_ehr_is_none_of_the_one_that_was_asked(
    app: Opened, city: FakeEhr, valley: FakeEhr, path: str
) -> None:
    """Nobody is told that City has refused."""
    state = asked_of(app.begin(city))["state"]
    refused(app, f"/callback{path}?{urlencode({'error': 'access_denied', 'state': state})}", city, valley)


def test_one_ehr_alone_answers_at_the_bare_address(with_one: Opened) -> None:
    """As it was registered before there was another; by the name of another it is refused there, too."""
    ehr = FakeEhr(list(WHOLE))
    app = with_one.anew(ehr)
    location = app.begin(ehr)
    assert asked_of(location)["redirect_uri"] == CALLBACK
    refused(app, ehr.sign_in(location).replace("/callback", "/callback/city"), ehr)
    refused(app, f"{ehr.sign_in(app.begin(ehr))}&{urlencode({'iss': VALLEY})}", ehr)
    assert app.go(ehr.sign_in(app.begin(ehr))).status_code == 303
