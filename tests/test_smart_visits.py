"""What begins a launch and what does not; and the cookies of launches that are over."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.application import create_app
from server.limits import Limits
from server.smart.cookies import PREFIX
from server.smart.launching import MOST_TAKEN_AWAY
from tests.fake_ehr import APP, FakeEhr, Opened, asked_of, opened
from tests.records import BASE, WHOLE

LAUNCH = f"/launch?{urlencode({'iss': BASE, 'launch': 'x'})}"
MODES = ("no-cors", "cors", "same-origin", "websocket", "", "Navigate")
AWAY = "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned"
INSTANCE = "8001"


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]), instance=INSTANCE)


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE))


@pytest.fixture
def app(program: Opened, ehr: FakeEhr) -> Opened:
    return program.anew(ehr)


def identifier_of(place: str) -> str:
    """The launch of a form."""
    return place.split("/")[2]


def taken_away(response: Any) -> list[str]:  # noqa: ANN401 - the client's own answer
    """The launches whose cookies an answer takes away."""
    lines = response.headers.get_list("set-cookie")
    gone = [line.removesuffix(AWAY) for line in lines if "Max-Age=0" in line]
    assert all(line.startswith(PREFIX) and "=" not in line for line in gone)
    return [line.removeprefix(PREFIX) for line in gone]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/launch", LAUNCH])
def test_what_is_no_visit_begins_no_launch(app: Opened, ehr: FakeEhr, mode: str, path: str) -> None:
    """A page that names a launch as a picture, a script or a fetch: nobody is asked, nothing is remembered."""
    response = app.go(path, headers={"sec-fetch-mode": mode})
    assert response.status_code == 400
    assert "set-cookie" not in response.headers
    assert (ehr.requests, len(app.sessions)) == ([], 0)


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-mode": "no-cors"}, {"sec-fetch-mode": "navigate"}])
def test_a_head_begins_no_launch(app: Opened, ehr: FakeEhr, headers: dict[str, str]) -> None:
    """Programs that look whether a link leads anywhere use none up."""
    response = app.client.head(LAUNCH, headers=headers, follow_redirects=False)
    assert response.status_code == 400
    assert "set-cookie" not in response.headers
    assert (ehr.requests, len(app.sessions)) == ([], 0)


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}])
def test_a_visit_begins_a_launch(app: Opened, headers: dict[str, str]) -> None:
    """In a window or a frame; browsers that do not say what a request is for are not locked out."""
    assert app.go(LAUNCH, headers=headers).status_code == 303
    assert len(app.sessions) == 1


def test_what_is_no_visit_does_not_count_as_a_launch(artefact: Artefact, app: Opened) -> None:
    """Otherwise a page somewhere could use up the launches of everybody behind an address."""
    limits = Limits(address=None, launch="1/hour")
    client = TestClient(
        create_app([artefact], connected=app.connected, limits=limits), base_url=APP, follow_redirects=False
    )
    for mode in MODES:
        assert client.get(LAUNCH, headers={"sec-fetch-mode": mode}).status_code == 400
    assert [client.head(LAUNCH).status_code, client.post(LAUNCH).status_code] == [400, 405]
    visit = {"sec-fetch-mode": "navigate"}
    assert [client.get(LAUNCH, headers=visit).status_code for _ in range(2)] == [303, 429]
    assert client.get(LAUNCH).status_code == 429
    assert client.get(LAUNCH, headers={"sec-fetch-mode": "no-cors"}).status_code == 400


def test_a_launch_takes_away_what_is_left_of_those_that_are_over(app: Opened, ehr: FakeEhr) -> None:
    """One that goes on, and one that waits for its answer, keep theirs and work."""
    over, goes_on = app.open(ehr, expires_in=100), app.open(ehr)
    app.clock.now += 100
    waits = app.begin(ehr)
    assert f"{PREFIX}{identifier_of(over)}" not in app.client.cookies  # the launch before has done it
    app.client.cookies.set(f"{PREFIX}{identifier_of(over)}", "left", domain="rps.hospital.example")
    response = app.go(LAUNCH)
    given, *_ = response.headers.get_list("set-cookie")
    assert given.startswith(f"{PREFIX}{asked_of(response.headers['location'])['state'].partition('.')[0]}=")
    assert "Max-Age=300" in given
    assert taken_away(response) == [identifier_of(over)]
    assert app.form(goes_on).status == 200
    assert app.go(ehr.sign_in(waits)).status_code == 303
    assert taken_away(app.go(LAUNCH)) == []


def test_cookies_of_others_are_left_alone(app: Opened) -> None:
    """Another instance may know a launch that this one does not; and what is not a launch's is nobody's business."""
    others = ("__Host-launch-8002-x", "__Host-launch-80011-x", "__Host-launch-x", "__Host-launch", "launch-8001-x", "s")
    ours = f"{PREFIX}{INSTANCE}-over"
    cookies = "; ".join(f"{name}=value" for name in (*others, ours))
    assert taken_away(app.go(LAUNCH, headers={"cookie": cookies})) == [f"{INSTANCE}-over"]


def test_so_many_are_taken_away_at_once(app: Opened, ehr: FakeEhr) -> None:
    """And no more: the head of an answer has an end. Those that are not to go stand in nobody's way."""
    waiting = [asked_of(app.begin(ehr))["state"].partition(".")[0] for _ in range(25)]
    over = [f"{INSTANCE}-over-{number}" for number in range(30)]
    others = [f"8002-{number}" for number in range(25)]
    for first, second in ((waiting + others, over), (over, waiting + others)):
        cookies = "; ".join(f"{PREFIX}{name}=value" for name in (*first, *second))
        response = app.another_browser().go(LAUNCH, headers={"cookie": cookies})
        assert taken_away(response) == over[:MOST_TAKEN_AWAY]
        assert sum(len(line) for line in response.headers.get_list("set-cookie")) < 4096


def test_the_page_of_a_launch_that_is_over_takes_its_cookie_away(app: Opened, ehr: FakeEhr) -> None:
    """Its own alone; and a browser that has none is told nothing of it."""
    over, goes_on = app.open(ehr, expires_in=100), app.open(ehr)
    app.clock.now += 100
    assert taken_away(app.another_browser().go(over)) == []
    response = app.client.post(over, data={"alive_months": "7"})
    assert (response.status_code, taken_away(response)) == (401, [identifier_of(over)])
    assert taken_away(app.go(over)) == []
    assert app.form(goes_on).status == 200


def test_the_page_for_a_wrong_browser_takes_no_living_launch_away(app: Opened, ehr: FakeEhr) -> None:
    """A request that went astray, to another instance or before the answer came, ends nothing."""
    place = app.open(ehr)
    waiting = asked_of(app.begin(ehr))["state"].partition(".")[0]
    for identifier in (identifier_of(place), waiting, "8002-elsewhere"):
        stray = app.another_browser().go(f"/l/{identifier}/", headers={"cookie": f"{PREFIX}{identifier}=x"})
        assert (stray.status_code, taken_away(stray)) == (401, [])
    assert app.form(place).status == 200
