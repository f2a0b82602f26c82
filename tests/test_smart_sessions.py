"""What a launch leaves in memory: for how long, for whom, and that nothing of a record is among it."""

from __future__ import annotations

from dataclasses import fields, replace
from hashlib import sha256
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from server.smart.cookies import cookie_name, cookie_of, set_cookie
from server.smart.sessions import SIGN_IN_SECONDS, Session, Sessions, SigningIn, is_cookie_of
from server.smart.tokens import Granted
from tests.records import PATIENT
from tests.sign_in import ASKED, EHR, SMART

MINUTES = 60
GRANTED = Granted("the-token", PATIENT, "patient/*.rs", None, need_patient_banner=True, user="Practitioner/doctor")
BITS = 122
"""How hard to guess what nobody may guess is at the least (SM4)."""
URL_SAFE = 6
"""Bits of each character of the names and cookies."""


class Clock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    """Launches of a process that remembers three of them."""
    return Sessions(3, MINUTES, clock=clock)


def sign_in(sessions: Sessions, state: str, identifier: str = "launch") -> str:
    """Begin a launch; gives its cookie."""
    return sessions.sign_in(state, identifier, EHR, SMART, ASKED)


def begin(
    sessions: Sessions, identifier: str = "launch", *, patient: str = PATIENT, seconds: int | None = None
) -> tuple[Session, str, int]:
    """A session, as if somebody had signed in."""
    sign_in(sessions, f"state of {identifier}", identifier)
    waiting = sessions.waiting(f"state of {identifier}")
    assert waiting is not None
    return sessions.begin(waiting, replace(GRANTED, patient=patient, seconds=seconds))


def test_an_answer_counts_once(sessions: Sessions) -> None:
    """SM5: a state is used up by the first answer that names it, and any other state names nothing."""
    sign_in(sessions, "state")
    for other in ("", "State", "state ", "another", "\ud800"):
        assert sessions.waiting(other) is None
    waiting = sessions.waiting("state")
    assert waiting is not None
    assert (waiting.id, waiting.ehr, waiting.smart, waiting.asked) == ("launch", EHR, SMART, ASKED)
    assert sessions.waiting("state") is None
    assert len(sessions) == 0


@pytest.mark.parametrize(("seconds", "waits"), [(0, True), (299, True), (300, False), (301, False), (100_000, False)])
def test_an_answer_has_five_minutes(sessions: Sessions, clock: Clock, seconds: int, *, waits: bool) -> None:
    """SM5: after five minutes an answer comes too late, and nothing of the launch is left."""
    assert SIGN_IN_SECONDS == 300
    sign_in(sessions, "state")
    clock.now += seconds
    assert (sessions.waiting("state") is not None) == waits
    sign_in(sessions, "later", "later")
    assert len(sessions) == 1


def test_an_answer_comes_from_the_browser_that_asked(sessions: Sessions) -> None:
    """SM5: the cookie that was given when the launch began, and neither another launch's nor none."""
    first, second = sign_in(sessions, "state", "first"), sign_in(sessions, "other", "second")
    waiting = sessions.waiting("state")
    assert waiting is not None
    assert is_cookie_of(waiting, first)
    for cookie in (second, "", first[:-1], first + "x", first.swapcase(), waiting.cookie, "\ud800"):
        assert not is_cookie_of(waiting, cookie)


def test_a_session_is_for_a_launch_and_the_browser_that_has_its_cookie(sessions: Sessions) -> None:
    """A name in an address is not enough, and the cookie of another launch, or of signing in, is none."""
    session, cookie, seconds = begin(sessions)
    assert seconds == 60 * MINUTES
    assert sessions.of(session.id, cookie) is session
    _, other, _ = begin(sessions, "other")
    for wrong in (other, "", cookie[:-1], cookie + "x", session.cookie, "\ud800"):
        assert sessions.of(session.id, wrong) is None
    for name in ("", "launch ", "Launch", "gone"):
        assert sessions.of(name, cookie) is None


def test_the_cookie_of_signing_in_opens_no_session(sessions: Sessions) -> None:
    """Whoever put a cookie into the browser before the sign-in has nothing after it."""
    before = sign_in(sessions, "state")
    waiting = sessions.waiting("state")
    assert waiting is not None
    session, cookie, _ = sessions.begin(waiting, GRANTED)
    assert cookie != before
    assert sessions.of(session.id, before) is None


def test_two_launches_in_one_browser_stay_apart(sessions: Sessions) -> None:
    """SM10: each has its own patient, cookie and key; ending the one leaves the other."""
    anna, of_anna, _ = begin(sessions, "anna", patient="anna")
    bert, of_bert, _ = begin(sessions, "bert", patient="bert")
    assert sessions.of("anna", of_anna) is anna
    assert sessions.of("bert", of_bert) is bert
    assert (anna.granted.patient, bert.granted.patient) == ("anna", "bert")
    assert sessions.of("anna", of_bert) is sessions.of("bert", of_anna) is None
    assert anna.key != bert.key
    assert anna.written is not bert.written
    sessions.end(anna)
    assert sessions.of("anna", of_anna) is None
    assert sessions.of("bert", of_bert) is bert


@pytest.mark.parametrize(
    ("granted", "lasts"), [(None, 3600), (3600, 3600), (90, 90), (1, 1), (7200, 3600), (10**400, 3600)]
)
def test_a_session_ends_with_its_token(sessions: Sessions, clock: Clock, granted: int | None, lasts: int) -> None:
    """S2: in memory, expiring: when the token does, or after the minutes that are configured, whichever is sooner."""
    session, cookie, seconds = begin(sessions, seconds=granted)
    assert seconds == lasts
    clock.now += lasts - 0.5
    assert sessions.of(session.id, cookie) is session
    clock.now += 0.5
    assert sessions.of(session.id, cookie) is None
    assert len(sessions) == 0


def test_to_use_a_session_does_not_prolong_it(sessions: Sessions, clock: Clock) -> None:
    """S2: it ends when it was said to, however often it is used."""
    session, cookie, _ = begin(sessions)
    for _ in range(59):
        clock.now += 60
        assert sessions.of(session.id, cookie) is session
    clock.now += 60
    assert sessions.of(session.id, cookie) is None


def test_what_has_ended_is_forgotten(sessions: Sessions) -> None:
    """To end a session forgets its token; to end it twice does nothing else."""
    session, cookie, _ = begin(sessions)
    other, other_cookie, _ = begin(sessions, "other")
    sessions.end(session)
    sessions.end(session)
    assert sessions.of(session.id, cookie) is None
    assert sessions.of(other.id, other_cookie) is other
    assert len(sessions) == 1


@pytest.mark.parametrize("instance", ["", "blue"])
def test_a_process_knows_which_of_its_launches_are_over(clock: Clock, instance: str) -> None:
    """It says so of no launch that waits or goes on, and of none that another process has begun."""
    sessions = Sessions(3, MINUTES, instance, clock)
    waits, goes_on, ended = (sessions.new_id() for _ in range(3))
    begin(sessions, goes_on)
    session, _, _ = begin(sessions, ended)
    sign_in(sessions, "state", waits)
    sessions.end(session)
    assert [sessions.forgot(one) for one in (waits, goes_on, ended, sessions.new_id())] == [False, False, True, True]
    others = ("red-launch", "bluer-launch", "launch", "blue", "Blue-launch", "")
    assert {sessions.forgot(one) for one in others} == {not instance}


def test_of_too_many_that_wait_the_oldest_gives_way(sessions: Sessions, clock: Clock) -> None:
    """So many launches may wait for an answer, and no more: whoever asks without end fills no memory."""
    for number in range(5):
        sign_in(sessions, f"state {number}", f"launch {number}")
        clock.now += 1
    assert len(sessions) == 3
    assert [sessions.waiting(f"state {number}") is not None for number in range(5)] == [False, False, True, True, True]


def test_of_too_many_sessions_the_one_that_ends_first_gives_way(sessions: Sessions) -> None:
    """So many sessions, and no more; the one that has just begun stays, however short it is."""
    held = {name: begin(sessions, name, seconds=seconds) for name, seconds in (("a", 900), ("b", 600), ("c", 1200))}
    held["d"] = begin(sessions, "d", seconds=60)
    there = {name for name, (session, cookie, _) in held.items() if sessions.of(session.id, cookie) is session}
    assert there == {"a", "c", "d"}
    held["e"] = begin(sessions, "e", seconds=3000)
    there = {name for name, (session, cookie, _) in held.items() if sessions.of(session.id, cookie) is session}
    assert there == {"a", "c", "e"}
    assert len(sessions) == 3


def test_those_that_wait_push_no_session_out(sessions: Sessions) -> None:
    """Whoever opens launches without signing in ends nobody's work."""
    session, cookie, _ = begin(sessions)
    for number in range(50):
        sign_in(sessions, f"state {number}", f"launch {number}")
    assert sessions.of(session.id, cookie) is session
    assert len(sessions) == 4


@given(st.lists(st.tuples(st.sampled_from(["ask", "answer", "end", "wait"]), st.integers(0, 400)), max_size=40))
def test_whatever_happens_memory_is_bounded_and_nothing_outlives_its_end(steps: list[tuple[str, int]]) -> None:
    """S2: at every moment what is remembered has not ended, and there is not more of it than was said."""
    clock = Clock()
    sessions = Sessions(3, MINUTES, clock=clock)
    begun: list[tuple[Session, str]] = []
    for number, (step, seconds) in enumerate(steps):
        if step == "ask":
            sign_in(sessions, f"state {number}", f"launch {number}")
        elif step == "answer":
            session, cookie, lasts = begin(sessions, f"launch {number}", seconds=seconds or None)
            assert lasts == min(seconds or 3600, 3600)
            assert sessions.of(session.id, cookie) is session
            begun.append((session, cookie))
        elif step == "end" and begun:
            sessions.end(begun[seconds % len(begun)][0])
        else:
            clock.now += seconds
        alive = [session for session, cookie in begun if sessions.of(session.id, cookie) is not None]
        assert all(session.ends > clock.now for session in alive)
        assert len(alive) <= 3
        assert len(sessions) <= 6


def test_names_and_cookies_are_not_guessed() -> None:
    """SM4, SM5: at least 122 bits each, of the system's randomness, and never the same twice."""
    sessions = Sessions(1000, MINUTES)
    names = [sessions.new_id() for _ in range(300)]
    cookies = [sign_in(sessions, f"state {number}") for number in range(300)]
    begun = [begin(sessions, name) for name in names]
    cookies += [cookie for _, cookie, _ in begun]
    assert len(set(names)) == len(names)
    assert len(set(cookies)) == len(cookies)
    assert len({session.key for session, _, _ in begun}) == len(begun)
    for text in (*names, *cookies):
        assert text.isascii()
        assert text.replace("-", "").replace("_", "").isalnum()
        assert len(text) * URL_SAFE >= BITS
    assert min(len(session.key) for session, _, _ in begun) * 8 >= 256
    for place in range(16):
        assert len({name[place] for name in names}) > 32


def test_a_name_says_which_process_knows_it() -> None:
    """The name of the process stands before, and takes nothing from what nobody can guess."""
    names = {Sessions(3, MINUTES, "blue").new_id() for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("blue-") for name in names)
    assert all(len(name.removeprefix("blue-")) * URL_SAFE >= BITS for name in names)
    plain = {Sessions(3, MINUTES).new_id() for _ in range(20)}
    assert not [name for name in plain if name.startswith("-blue")]


def test_nothing_of_a_record_is_kept() -> None:
    """S2: a session alone holds token and patient id. Whoever adds a member has to say here that it is no value."""
    kept = {"id", "ehr", "granted", "cookie", "key", "ends", "writing", "written"}
    assert {one.name for one in fields(Session)} <= kept
    assert {one.name for one in fields(SigningIn)} == {"id", "ehr", "smart", "asked", "cookie", "ends"}
    given = {"token", "patient", "scope", "seconds", "need_patient_banner", "user"}
    assert {one.name for one in fields(Granted)} == given


def test_cookies_and_states_are_kept_as_hashes(sessions: Sessions) -> None:
    """SM9: whoever sees the memory of a launch, or its repr in a log, cannot take it over, nor learn whose it is."""
    of_sign_in = sign_in(sessions, "the-state")
    waiting = sessions.waiting("the-state")
    assert waiting is not None
    session, cookie, _ = sessions.begin(waiting, GRANTED)
    assert waiting.cookie == sha256(of_sign_in.encode()).hexdigest()
    assert session.cookie == sha256(cookie.encode()).hexdigest()
    shown = f"{waiting!r}{session!r}{sessions!r}"
    secrets = (of_sign_in, cookie, waiting.cookie, session.cookie, ASKED.verifier, ASKED.nonce, "the-token", PATIENT)
    assert not [secret for secret in secrets if secret in shown]
    assert repr(session.key) not in shown


def cookies(*pairs: tuple[str, str]) -> Request:
    """A request that brings these cookies."""
    line = "; ".join(f"{name}={value}" for name, value in pairs)
    return Request({"type": "http", "headers": [(b"cookie", line.encode())] if pairs else []})


def test_a_cookie_is_for_this_host_alone_and_for_no_script() -> None:
    """ASVS 3.3: __Host-, Secure, HttpOnly; SameSite=None and Partitioned, to live in a portal's frame (SM15)."""
    response = Response()
    set_cookie(response, "abc", "value", 3600)
    set_cookie(response, "abc", "", 0)
    attributes = "Secure; HttpOnly; SameSite=None; Partitioned"
    assert response.headers.getlist("set-cookie") == [
        f"__Host-launch-abc=value; Path=/; Max-Age=3600; {attributes}",
        f"__Host-launch-abc=; Path=/; Max-Age=0; {attributes}",
    ]
    assert "domain" not in "".join(response.headers.getlist("set-cookie")).lower()


def test_each_launch_has_a_cookie_of_its_own(sessions: Sessions) -> None:
    """SM10: one browser with two launches sends two cookies, and each opens its own session."""
    held = [begin(sessions, sessions.new_id(), patient=patient) for patient in ("anna", "bert")]
    request = cookies(*((cookie_name(session.id), cookie) for session, cookie, _ in held))
    for session, cookie, _ in held:
        assert cookie_of(request, session.id) == cookie
        assert sessions.of(session.id, cookie_of(request, session.id)) is session
    assert cookie_of(request, "another") == cookie_of(cookies(), held[0][0].id) == ""


def test_names_and_cookies_need_no_quoting() -> None:
    """What is given to a browser comes back letter for letter."""
    sessions = Sessions(100, MINUTES, "blue")
    for _ in range(50):
        session, cookie, _ = begin(sessions, sessions.new_id())
        response = Response()
        set_cookie(response, session.id, cookie, 60)
        (read,) = SimpleCookie(response.headers["set-cookie"].replace("; Partitioned", "")).values()
        assert (read.key, read.value, read.coded_value) == (cookie_name(session.id), cookie, cookie)
