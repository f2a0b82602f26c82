"""Who is believed to be an EHR through CDS Hooks (CH12): whatever is not exactly right is refused, and told alike."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Callable

import pytest
from httpx2 import ConnectError, Request, Response
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from model.artefact import Artefact
from server.connections import Hooks
from server.hooks.callers import LONGEST
from server.hooks.keys import ANEW, KEPT
from server.hooks.replay import Used
from server.signatures import LEEWAY
from tests.hook_client import (
    ADDRESS,
    CALLER,
    EC_KEY,
    JKU,
    NOW,
    PATH,
    RSA_KEY,
    STRANGER,
    Asking,
    asking,
    connections_of,
    public,
)

HERE = f"{ADDRESS}{PATH}"
AT_JKU = Hooks(CALLER, None, JKU, ())
NEW_KEY = ECKey.generate_key("P-384", {"kid": "new"})
SMALL_CURVE = ECKey.generate_key("P-256", {"kid": "ec"})


@pytest.fixture(scope="module")
def ehr(artefact: Artefact) -> Asking:
    """An EHR whose keys are in a file."""
    return asking(artefact)


class Publisher:
    """Where an EHR publishes its keys."""

    def __init__(self, *keys: ECKey | RSAKey) -> None:
        self.keys, self.status = keys, 200

    def __call__(self, request: Request) -> Response:
        assert str(request.url) == JKU
        assert "authorization" not in request.headers
        if self.status == 0:
            message = "unreachable"
            raise ConnectError(message)
        return Response(self.status, json=public(*self.keys).as_dict(private=False))


def status(ehr: Asking, signed: str) -> int:
    """How a token is answered; every refusal is alike."""
    answer = ehr.post(signed=signed)
    if answer.status_code != 200:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json() == ehr.post(signed="wrong").json()
    return int(answer.status_code)


def raw(header: object, claims: object, signature: bytes = b"") -> str:
    """A token of whatever parts."""
    return ".".join(map(encoded, (json.dumps(header).encode(), json.dumps(claims).encode(), signature)))


def encoded(part: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["ES384", "RS384"])
@pytest.mark.parametrize("aud", [HERE, [HERE], ["https://other.example", HERE]])
def test_ch12_a_right_token_is_believed(ehr: Asking, key: ECKey | RSAKey, aud: object) -> None:
    """CH12: both algorithms of the specification; aud is a text or a list."""
    assert status(ehr, ehr.token(key=key, claims={"aud": aud, "tenant": "ward", "sub": "ehr"})) == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer a.b.c", "Bearer a.b.c.d.e", "Bearer é.é.é"],
)
def test_ch12_what_is_no_token_is_refused(ehr: Asking, authorization: str) -> None:
    """CH12: and says by which scheme to come."""
    answer = ehr.client.post(PATH, json={}, headers=[(b"authorization", authorization.encode())])
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert ehr.client.post(PATH, json={}).status_code == 401


def test_ch12_the_scheme_is_a_word_without_case(ehr: Asking) -> None:
    """RFC 9110: bearer is Bearer."""
    headers = {"authorization": f"bearer {ehr.token()}"}
    assert ehr.client.post(PATH, json={}, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (["ES384"], {}),
        ("alg", {}),
        ({"alg": "ES384", "kid": "ec", "typ": "JWT"}, ["iss"]),
        ({"alg": ["ES384"], "kid": "ec", "typ": "JWT"}, {"iss": CALLER}),
        ({"alg": "ES384", "kid": ["ec"], "typ": "JWT"}, {"iss": CALLER}),
        ({"alg": "ES384", "kid": "ec", "typ": "JWT", "crit": 1}, {"iss": CALLER}),
        ({"alg": "ES384", "kid": "ec", "typ": "JWT", "crit": ["exp"], "exp": 1}, {"iss": CALLER}),
        ({"alg": "ES384", "kid": "ec", "typ": "JWT"}, {"iss": {"a": 1}}),
        ({"alg": "ES384", "kid": "ec", "typ": "JWT"}, None),
    ],
)
def test_ch12_a_token_of_odd_parts_is_refused(ehr: Asking, header: object, claims: object) -> None:
    """CH12: nothing of it makes the program fail."""
    assert status(ehr, raw(header, claims, b"x" * 96)) == 401


def test_ch12_only_asymmetric_algorithms_count(ehr: Asking) -> None:
    """CH12: neither none, nor a secret that both know, such as the public key; nor any that was not agreed."""
    claims = ehr.claims()
    assert status(ehr, raw({"alg": "none", "kid": "ec", "typ": "JWT"}, claims)) == 401
    for public_key in (EC_KEY.as_pem(private=False), RSA_KEY.as_pem(private=False)):
        signed = raw({"alg": "HS384", "kid": "ec", "typ": "JWT"}, claims).rpartition(".")[0]
        assert status(ehr, f"{signed}.{encoded(hmac.digest(public_key, signed.encode(), 'sha384'))}") == 401
    for key, algorithm in ((RSA_KEY, "RS256"), (RSA_KEY, "PS384"), (RSA_KEY, "RS512"), (SMALL_CURVE, "ES256")):
        assert status(ehr, ehr.token(key=key, header={"alg": algorithm})) == 401


def test_ch12_a_key_signs_by_its_own_algorithm(ehr: Asking) -> None:
    """CH12: an elliptic key for RS384, or the other way round, is no key."""
    assert status(ehr, ehr.token(key=EC_KEY, header={"kid": "rsa"})) == 401
    assert status(ehr, ehr.token(key=RSA_KEY, header={"kid": "ec"})) == 401


def test_ch12_a_foreign_signature_is_refused(ehr: Asking) -> None:
    """CH12: the right name of a key, and another key; or the right signature under other words."""
    assert status(ehr, ehr.token(key=STRANGER)) == 401
    head, _, signature = ehr.token().split(".")
    other = raw({}, ehr.claims()).split(".")[1]
    assert status(ehr, f"{head}.{other}.{signature}") == 401
    assert status(ehr, ehr.token()[:-4] + "AAAA") == 401


@pytest.mark.parametrize(
    "header",
    [{"kid": None}, {"kid": ""}, {"typ": None}, {"typ": "jwt"}, {"typ": "at+jwt"}, {"kid": "nobody"}],
    ids=str,
)
def test_ch12_the_head_says_which_key_and_that_it_is_a_token(ehr: Asking, header: dict[str, object]) -> None:
    """CH12: kid required, typ=JWT."""
    assert status(ehr, ehr.token(header=header)) == 401


def test_ch12_a_head_may_say_more(ehr: Asking) -> None:
    """RFC 7515: what is not understood is passed over; a chain of certificates is long."""
    header = {"x5c": ["A" * 2000], "x5t": "thumb", "nonce": "1"}
    registry = jws.JWSRegistry(algorithms=["ES384"], strict_check_header=False)
    head = {"alg": "ES384", "typ": "JWT", "kid": "ec", **header}
    assert status(ehr, jws.serialize_compact(head, json.dumps(ehr.claims()), EC_KEY, registry=registry)) == 200


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "jti"])
def test_ch12_every_claim_is_required(ehr: Asking, name: str) -> None:
    """CH12."""
    assert status(ehr, ehr.token(claims={name: None})) == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": CALLER + "/"},
        {"aud": ADDRESS},
        {"aud": f"{ADDRESS}/cds-services"},
        {"aud": f"{ADDRESS}{PATH}/"},
        {"aud": f"{ADDRESS}{PATH}/feedback"},
        {"aud": f"{ADDRESS}/cds-services/another"},
        {"aud": ADDRESS.replace("https", "http") + PATH},
        {"aud": []},
        {"aud": [7]},
        {"aud": {"a": f"{ADDRESS}{PATH}"}},
        {"exp": "soon"},
        {"exp": True},
        {"iat": "now"},
        {"jti": ""},
        {"jti": 7},
        {"nbf": NOW + 3600},
    ],
    ids=str,
)
def test_ch12_wrong_claims_are_refused(ehr: Asking, claims: dict[str, object]) -> None:
    """CH12: aud is exactly the address of this service."""
    assert status(ehr, ehr.token(claims=claims)) == 401


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"iat": NOW + LEEWAY}, 200),
        ({"iat": NOW + LEEWAY + 1}, 401),
        ({"iat": NOW - 300, "exp": NOW - LEEWAY + 1}, 200),
        ({"iat": NOW - 300, "exp": NOW - LEEWAY}, 401),
        ({"iat": NOW - LONGEST - LEEWAY + 1, "exp": NOW + 10**9}, 200),
        ({"iat": NOW - LONGEST - LEEWAY, "exp": NOW + 10**9}, 401),
        ({"iat": NOW + 0.5, "exp": NOW + 300.5}, 200),
        ({"iat": -(10**30), "exp": 10**30}, 401),
    ],
)
def test_ch12_clocks_may_differ_by_a_minute(ehr: Asking, claims: dict[str, object], expected: int) -> None:
    """CH12: some callers round iat up; and however long a token says it is good, an hour is enough."""
    assert LEEWAY == 60
    assert status(ehr, ehr.token(claims=claims)) == expected


def test_ch12_a_token_counts_once(artefact: Artefact) -> None:
    """CH12: not a second time, whatever became of the first; until nobody could use it any more."""
    ehr = asking(artefact)
    signed = ehr.token()
    assert [ehr.post({}, signed=signed).status_code, ehr.post(signed=signed).status_code] == [400, 401]
    again = {"jti": "once", "exp": NOW + 10}
    assert [status(ehr, ehr.token(claims=again)) for _ in range(2)] == [200, 401]
    ehr.clock.now = NOW + 10 + LEEWAY - 1
    assert status(ehr, ehr.token(claims={"jti": "once"})) == 401
    ehr.clock.now = NOW + 10 + LEEWAY
    assert status(ehr, ehr.token(claims={"jti": "once"})) == 200


def test_ch12_a_refused_token_uses_nothing_up(ehr: Asking) -> None:
    """CH12: somebody without a key cannot use up the tokens of somebody with one."""
    mine = {"jti": "mine"}
    for wrong in (ehr.token(key=STRANGER, claims=mine), ehr.token(claims=mine | {"aud": "elsewhere"})):
        assert status(ehr, wrong) == 401
    assert status(ehr, ehr.token(claims=mine)) == 200


def test_ch12_the_memory_of_tokens_is_bounded(artefact: Artefact) -> None:
    """CH12: a full one refuses, for to forget would be to let a token count twice; time makes room."""
    ehr = asking(artefact, used=Used(most=2))
    first = ehr.token(claims={"exp": NOW + 100})
    assert [status(ehr, one) for one in (first, ehr.token(), ehr.token(), first)] == [200, 200, 401, 401]
    ehr.clock.now = NOW + 100 + LEEWAY
    assert status(ehr, ehr.token()) == 200


def test_ch12_each_issuer_has_its_own_room() -> None:
    """One EHR cannot push out what another has used; a name is remembered by its hash, however long or odd it is."""
    used = Used(most=1)
    for issuer in ("one", "other"):
        assert used.first(issuer, "x" * 10**6 + "\ud800", 10.0, 0.0)
        assert not used.first(issuer, "x" * 10**6 + "\ud800", 10.0, 9.0)


def test_ch12_an_issuer_is_looked_up_before_anything_is_fetched(artefact: Artefact) -> None:
    """CH12: of whoever is not on the list nothing is asked, and nothing is asked where the head is wrong already."""
    ehr = asking(artefact, connections=connections_of(AT_JKU), handler=Publisher(EC_KEY))
    assert status(ehr, ehr.token(claims={"iss": "https://evil.example"})) == 401
    for header in ({"jku": "https://evil.example/keys"}, {"typ": "other"}, {"kid": None}):
        assert status(ehr, ehr.token(header=header)) == 401
    assert status(ehr, raw({"alg": "HS384", "kid": "ec", "typ": "JWT"}, ehr.claims())) == 401
    assert not ehr.asked


@pytest.mark.parametrize("jku", ["https://evil.example/keys", JKU + "?", JKU.upper(), "http" + JKU[5:], 7, "", ["x"]])
def test_ch12_a_token_does_not_say_where_its_key_is(artefact: Artefact, jku: object) -> None:
    """CH12: jku only if it is exactly the agreed one; with keys from a file, there is none."""
    fetched = asking(artefact, connections=connections_of(AT_JKU), handler=Publisher(EC_KEY))
    head = {"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": jku}
    forged = raw(head, fetched.claims(), b"x" * 96)
    assert status(fetched, forged) == 401
    assert not fetched.asked
    assert status(asking(artefact), raw(head | {"jku": JKU}, fetched.claims(), b"x" * 96)) == 401


def test_ch12_keys_are_fetched_once_and_kept(artefact: Artefact) -> None:
    """CH12: with or without jku in the head, one fetch in ten minutes, and none of a key that has been withdrawn."""
    publisher = Publisher(EC_KEY, RSA_KEY)
    ehr = asking(artefact, connections=connections_of(AT_JKU), handler=publisher)
    for header in ({}, {"jku": JKU}):
        assert status(ehr, ehr.token(header=header)) == 200
        assert status(ehr, ehr.token(key=RSA_KEY, header=header)) == 200
    assert len(ehr.asked) == 1
    publisher.keys = (RSA_KEY,)
    ehr.clock.now += KEPT - 1
    assert status(ehr, ehr.token()) == 200
    assert len(ehr.asked) == 1
    ehr.clock.now += 1
    assert status(ehr, ehr.token()) == 401
    assert len(ehr.asked) == 2


def test_ch12_a_new_key_is_fetched_once_a_minute_at_most(artefact: Artefact) -> None:
    """CH12: an EHR may change its keys at any moment; somebody who invents names of keys cannot make us fetch."""
    assert ANEW == 60
    publisher = Publisher(EC_KEY)
    ehr = asking(artefact, connections=connections_of(AT_JKU), handler=publisher)
    assert status(ehr, ehr.token()) == 200
    publisher.keys = (EC_KEY, NEW_KEY)
    assert status(ehr, ehr.token(key=NEW_KEY)) == 401
    assert len(ehr.asked) == 1
    ehr.clock.now += ANEW
    assert status(ehr, ehr.token(key=NEW_KEY)) == 200
    assert len(ehr.asked) == 2
    for number in range(20):
        assert status(ehr, ehr.token(header={"kid": f"invented-{number}"})) == 401
    assert len(ehr.asked) == 2
    assert status(ehr, ehr.token()) == 200


@pytest.mark.parametrize("failing", [0, 302, 404, 500])
def test_ch12_keys_that_do_not_come_believe_nobody(artefact: Artefact, failing: int) -> None:
    """CH12: and are not asked for again at once; those that are there stay good meanwhile."""
    publisher = Publisher(EC_KEY)
    publisher.status = failing
    ehr = asking(artefact, connections=connections_of(AT_JKU), handler=publisher)
    assert [status(ehr, ehr.token()) for _ in range(3)] == [401] * 3
    assert len(ehr.asked) == 1
    publisher.status = 200
    ehr.clock.now += ANEW
    assert status(ehr, ehr.token()) == 200
    publisher.status = failing
    ehr.clock.now += ANEW
    assert status(ehr, ehr.token(key=NEW_KEY)) == 401
    assert status(ehr, ehr.token()) == 200
    assert len(ehr.asked) == 3


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda _: "x", "unreadable"),
        (lambda ehr: ehr.token(claims={"iss": "https://evil.example"}), "unknown_issuer"),
        (lambda ehr: ehr.token(header={"kid": "nobody"}), "unknown_key, The hospital"),
        (lambda ehr: ehr.token(key=STRANGER), "wrong_signature, The hospital"),
        (lambda ehr: ehr.token(claims={"aud": "elsewhere"}), "aud, The hospital"),
        (lambda ehr: ehr.token(claims={"iat": 0, "exp": 1}), "exp, The hospital"),
        (lambda ehr: ehr.token(header={"jku": JKU}), "jku, The hospital"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_ch12_the_log_says_why(
    ehr: Asking, caplog: pytest.LogCaptureFixture, wrong: Callable[[Asking], str], reason: str
) -> None:
    """An administrator can tell what is wrong; whoever asks is not told, nor is anything repeated that they sent."""
    with caplog.at_level(logging.INFO, "uvicorn.error"):
        assert ehr.post(signed=wrong(ehr)).status_code == 401
    (line,) = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert line == f"CDS Hooks: a caller was not believed ({reason})"
