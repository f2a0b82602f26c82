"""The files that an EHR's part names: secrets, keys, certificates. What is of no use is refused, and never quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import int_to_base64

from commands.connecting import WrongConnections
from tests.ehr_files import HIDDEN, LEAST, problems, read, with_file

RSA, EC = RSAKey.generate_key(2048, {"kid": "rsa"}), ECKey.generate_key("P-384", {"kid": "ec"})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"two\nlines",
        b"tab\there",
        HIDDEN.encode("utf-16"),
        f"{HIDDEN}ü".encode(),
        f"{HIDDEN}ü".encode("latin-1"),
        HIDDEN.encode() + b"\0",
    ],
)
def test_a_secret_is_one_line(tmp_path: Path, content: bytes) -> None:
    """What cannot have been meant is refused before anything is served, and not quoted."""
    (problem,) = problems(tmp_path, with_file(tmp_path, "client_secret_file", content))
    assert problem.startswith("ehr[0] (General): client_secret_file does not hold a secret: one line")


def test_a_secret_in_place_of_its_file_is_not_quoted(tmp_path: Path) -> None:
    """Whoever writes the secret itself into the file does not find it in a log."""
    for name in ("client_secret_file", "client_key_file", "ca_file"):
        expected = f"ehr[0] (General): {name} cannot be read: No such file or directory"
        assert problems(tmp_path, f'{LEAST}{name} = "{HIDDEN}"\n') == [expected]
        assert len(problems(tmp_path, f"{LEAST}{name} = ['{HIDDEN}']\n")) == 1
        assert len(problems(tmp_path, f'{LEAST}{name} = "."\n')) == 1
        assert len(problems(tmp_path, f'{LEAST}{name} = "{HIDDEN}\\u0000"\n')) == 1


PRIVATE: dict[str, Any] = {**RSA.as_dict(private=True)}


@pytest.mark.parametrize("key", [RSA, EC])
def test_a_private_key_is_read_as_it_is(tmp_path: Path, key: RSAKey | ECKey) -> None:
    """RSA for RS384, and P-384 for ES384."""
    (ehr,) = read(tmp_path, with_file(tmp_path, "client_key_file", key.as_dict(private=True))).ehrs.values()
    assert ehr.client_key is not None
    assert ehr.client_key.as_dict(private=True) == key.as_dict(private=True)
    assert type(ehr.client_key) is type(key)


@pytest.mark.parametrize(
    "content",
    [
        RSA.as_dict(private=False),
        {name: value for name, value in PRIVATE.items() if name != "kid"},
        {**PRIVATE, "kid": ""},
        {**PRIVATE, "kid": 7},
        {**PRIVATE, "n": 7},
        {**PRIVATE, "p": HIDDEN},
        {**PRIVATE, "d": HIDDEN},
        {name: value for name, value in PRIVATE.items() if name != "q"},
        ECKey.generate_key("P-256", {"kid": "short"}).as_dict(private=True),
        {**EC.as_dict(private=True), "crv": "P-0"},
        {**EC.as_dict(private=True), "d": HIDDEN},
        OctKey.import_key(HIDDEN, {"kid": "one"}).as_dict(private=True),
        OKPKey.generate_key("Ed25519", {"kid": "one"}).as_dict(private=True),
        {"keys": [PRIVATE]},
        [PRIVATE],
        {},
        None,
        HIDDEN,
        b"",
        b"{" * 100_000,
        b'{"kty":' * 50_000,
        RSA.as_pem(private=True),
        b"\xff\xfe",
    ],
)
def test_another_key_is_refused_and_not_quoted(tmp_path: Path, content: object) -> None:
    """A public, short, nameless or broken key, or one of another kind, is named by its place alone."""
    (problem,) = problems(tmp_path, with_file(tmp_path, "client_key_file", content))
    assert problem.startswith("ehr[0] (General): client_key_file does not hold a private key in JWK form")


NUMBER = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n  # noqa: S505 - to be refused
SHORT = {"kty": "RSA", "kid": "short", "e": "AQAB", "n": int_to_base64(NUMBER)}


@pytest.mark.parametrize(
    "content",
    [
        {"keys": []},
        {"keys": None},
        {"keys": 5},
        {"keys": [5, None]},
        {"keys": [SHORT]},
        {"keys": [{"kty": ["RSA"]}]},
        {"keys": [{"kty": "RSA", "n": 5, "e": "AQAB"}]},
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [RSA.as_dict(private=False), OctKey.import_key(HIDDEN).as_dict(private=True)]},
        RSA.as_dict(private=False),
        [RSA.as_dict(private=False)],
        {},
        None,
        b"<html>",
    ],
)
def test_other_public_keys_are_refused(tmp_path: Path, content: object) -> None:
    """No keys, short ones, or such as must not lie there, since whoever has them can sign as the EHR."""
    assert problems(tmp_path, with_file(tmp_path, "hooks.keys_file", content)) == [
        "ehr[0] (General): hooks.keys_file does not hold a set of public keys in JWK form"
    ]


MEMBERS = st.sampled_from(["keys", "kty", "n", "e", "d", "x", "y", "crv", "kid", "use"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["RSA", "EC", "AQAB"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["keys", "kty", "n", "e", "d", "x", "y", "crv", "kid", "use"]), inner, max_size=5
        )
    ),
    max_leaves=10,
)


@settings(max_examples=30)  # each loads the machine's certificates
@given(JSON, st.sampled_from(["client_secret_file", "client_key_file", "ca_file", "hooks.keys_file"]))
def test_no_content_of_a_file_is_a_failure_of_the_program(tmp_path: Path, content: object, key: str) -> None:
    """Whatever lies in the place of a file is read, or refused with one problem."""
    text = with_file(tmp_path, key, content)
    try:
        read(tmp_path, text)
    except WrongConnections as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - either may happen
