"""The file of EHRs: everything that is wrong is named at once, and no secret with it."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import click
import pytest
from joserfc.jwk import ECKey, KeySet, RSAKey

from commands.connecting import connect_to
from tests.certificates import certify
from tests.ehr_files import HIDDEN, ISSUER, LEAST, problems, read

WHOLE = f"""
address = "https://rps.hospital.example:8443/rps/"
session_minutes = 30
most_sessions = 5000
audit_file = "audit.log"

[[ehr]]
name = "General"
issuer = "{ISSUER}/"
client_id = "prognosis"
key = "general"
client_key_file = "key.json"
ca_file = "ca.pem"
write = ["DocumentReference", "RiskAssessment"]
frame_ancestors = ["https://EHR.hospital.example/", "https://*.portal.example:8443"]
[ehr.hooks]
issuer = "hooks of General"
keys_file = "keys/public.json"
origins = ["https://ehr.hospital.example"]

[[ehr]]
name = "Children's"
issuer = "https://ehr.children.example/R4"
client_id = "rps"
key = "children-2"
client_secret_file = "secret"
frame_ancestors = ["https://ehr.hospital.example"]
hooks = {{ issuer = "hooks of Children's", jku = "https://ehr.children.example/keys" }}
"""
RSA, EC = RSAKey.generate_key(2048, {"kid": "rsa"}), ECKey.generate_key("P-384", {"kid": "ec"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that a configuration may name; tests add their own."""
    made = tmp_path_factory.mktemp("connections")
    certify(made)
    (made / "secret").write_text(f"{HIDDEN}\n", encoding="utf-8")
    (made / "key.json").write_text(json.dumps(EC.as_dict(private=True)), encoding="utf-8")
    (made / "keys").mkdir()
    public = KeySet([RSA, EC]).as_dict(private=False)
    (made / "keys" / "public.json").write_text(json.dumps(public), encoding="utf-8")
    return made


def test_a_file_may_say_everything(folder: Path) -> None:
    """Every option reaches the program; the files lie beside the file, and addresses lose the slash at their end."""
    connections = read(folder, WHOLE)
    assert connections.address == "https://rps.hospital.example:8443/rps"
    assert (connections.session_minutes, connections.most_sessions) == (30, 5000)
    assert connections.audit_file == folder / "audit.log"
    assert connections.frame_ancestors == ("https://ehr.hospital.example", "https://*.portal.example:8443")
    general, children = connections.ehrs.values()
    assert list(connections.ehrs) == [general.issuer, children.issuer] == [ISSUER, "https://ehr.children.example/R4"]
    assert (general.name, general.client_id, general.client_secret) == ("General", "prognosis", None)
    assert (general.key, children.key) == ("general", "children-2")
    assert general.client_key is not None
    assert general.client_key.as_dict(private=True) == EC.as_dict(private=True)
    assert general.write == ("RiskAssessment", "DocumentReference")
    assert [one["subject"][0][0][1] for one in general.trust.get_ca_certs()] == ["Test authority"]
    assert general.hooks is not None
    assert (general.hooks.issuer, general.hooks.jku) == ("hooks of General", None)
    assert general.hooks.keys is not None
    assert [key.kid for key in general.hooks.keys] == ["rsa", "ec"]
    assert general.hooks.origins == ("https://ehr.hospital.example",)
    assert (children.client_secret, children.client_key, children.write) == (HIDDEN, None, ())
    assert children.hooks is not None
    assert (children.hooks.keys, children.hooks.jku) == (None, "https://ehr.children.example/keys")
    assert connections.by_hooks_issuer("hooks of Children's") is children
    assert connections.by_hooks_issuer("hooks") is connections.by_hooks_issuer(None) is None


def test_a_file_may_say_little(folder: Path) -> None:
    """What is left out is off, or an hour; whose certificates are believed is then the machine's matter."""
    connections = read(folder, LEAST)
    assert (connections.session_minutes, connections.most_sessions) == (60, 1000)
    assert (connections.audit_file, connections.frame_ancestors) == (None, ())
    (ehr,) = connections.ehrs.values()
    assert (ehr.key, ehr.client_secret, ehr.client_key, ehr.write, ehr.hooks) == ("", None, None, (), None)
    assert (ehr.trust.verify_mode, ehr.trust.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_no_secret_stands_in_a_repr(folder: Path) -> None:
    """SM9: nor in what Python shows of an EHR."""
    shown = repr(read(folder, WHOLE))
    assert "General" in shown
    assert HIDDEN not in shown
    assert str(EC.as_dict(private=True)["d"]) not in shown


def test_everything_that_is_wrong_is_named_at_once(folder: Path) -> None:
    """What has no form, what contradicts, and what files do not hold, for every EHR, in one message."""
    wrong = f"""
address = "http://rps.hospital.example"
session_minutes = 0
most_sessions = "many"
colour = "blue"
[[ehr]]
name = ""
issuer = "ehr.hospital.example"
client_secret = "{HIDDEN}"
write = ["Patient"]
[[ehr]]
name = "Second"
issuer = "{ISSUER}"
client_id = "prognosis"
client_secret_file = "gone"
client_key_file = "secret"
ca_file = "key.json"
[ehr.hooks]
issuer = "x"
[[ehr]]
name = "Third"
issuer = "{ISSUER}"
client_id = "prognosis"
hooks = {{ issuer = "x", jku = "https://ehr.hospital.example/keys", keys_file = "key.json" }}
"""
    https = "must be an https address without a query, such as https://ehr.hospital.example/fhir/R4"
    either = "give hooks.keys_file or hooks.jku: where the keys are that sign its tokens"
    another = "give key, another for each of several: its redirect address ends in it"
    key = "a private key in JWK form with a kid, for RS384 (RSA, 2048 bits or more) or ES384 (EC, P-384)"
    assert sorted(problems(folder, wrong)) == sorted(
        [
            f"address {https}",
            "session_minutes Input should be greater than or equal to 1",
            "most_sessions Input should be a valid integer",
            "colour is not known; known are the keys in docs/ehr.md",
            "ehr[0].name String should have at least 1 character",
            f"ehr[0].issuer {https}",
            "ehr[0].client_id is missing, and must be given",
            "ehr[0].client_secret is not known; known are the keys in docs/ehr.md",
            "ehr[0].write[0] Input should be 'RiskAssessment', 'Observation' or 'DocumentReference'",
            f"ehr[1] (Second): issuer {ISSUER} is given twice",
            f"ehr[2] (Third): issuer {ISSUER} is given twice",
            "ehr[1] (Second): hooks.issuer x is given twice",
            "ehr[2] (Third): hooks.issuer x is given twice",
            "ehr[1] (Second): give client_secret_file or client_key_file, not both",
            f"ehr[1] (Second): {another}",
            f"ehr[2] (Third): {another}",
            f"ehr[1] (Second): {either}",
            f"ehr[2] (Third): {either}",
            "ehr[1] (Second): client_secret_file cannot be read: No such file or directory",
            f"ehr[1] (Second): client_key_file does not hold {key}",
            "ehr[1] (Second): ca_file does not hold certificates in PEM form",
            "ehr[2] (Third): hooks.keys_file does not hold a set of public keys in JWK form",
        ]
    )


def test_two_ehrs_of_one_issuer_are_refused(folder: Path) -> None:
    """A launch names its EHR by the issuer alone; a slash at the end does not make another one."""
    second = LEAST.partition("[[ehr]]")[2].replace("General", "Second").replace(ISSUER, f"{ISSUER}/")
    assert problems(folder, f'{LEAST}key = "first"\n[[ehr]]{second}key = "second"\n') == [
        f"ehr[0] (General): issuer {ISSUER} is given twice",
        f"ehr[1] (Second): issuer {ISSUER} is given twice",
    ]


OTHERS = LEAST.partition("[[ehr]]")[2].replace("General", "Second").replace(ISSUER, f"{ISSUER}/2")


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        (None, None, ("ehr[0] (General)", "ehr[1] (Second)")),
        ("one", None, ("ehr[1] (Second)",)),
        (None, "two", ("ehr[0] (General)",)),
        ("one", "one", ("ehr[0] (General)", "ehr[1] (Second)")),
        ("one", "two", ()),
    ],
)
def test_each_of_several_ehrs_has_a_key_of_its_own(
    folder: Path, first: str | None, second: str | None, wrong: tuple[str, ...]
) -> None:
    """RFC 9700, 4.4: by its redirect address an answer shows which EHR it comes from."""
    keys = ["" if key is None else f'key = "{key}"\n' for key in (first, second)]
    text = f"{LEAST}{keys[0]}[[ehr]]{OTHERS}{keys[1]}"
    if wrong:
        why = "give key, another for each of several: its redirect address ends in it"
        assert problems(folder, text) == [f"{where}: {why}" for where in wrong]
    else:
        assert [ehr.key for ehr in read(folder, text).ehrs.values()] == [first, second]


@pytest.mark.parametrize("key", ["", "A", "a/b", "..", "a b", "ä", "a?", "a" * 41, "a\\n"])
def test_a_key_can_stand_at_the_end_of_an_address(folder: Path, key: str) -> None:
    """As it is, in one piece; one EHR alone may have one, too."""
    (problem,) = problems(folder, f'{LEAST}key = "{key}"\n')
    assert problem.startswith("ehr[0].key ")
    (ehr,) = read(folder, f'{LEAST}key = "{"a" * 40}"\n').ehrs.values()
    assert ehr.key == "a" * 40


@pytest.mark.parametrize(("name", "least", "most"), [("session_minutes", 1, 240), ("most_sessions", 1000, 100_000)])
def test_launches_are_neither_endless_nor_few(folder: Path, name: str, least: int, most: int) -> None:
    """Nobody leaves a record open for a day; and so few that one address could push out the others are a mistake."""
    for number in (least, most):
        assert getattr(read(folder, f"{name} = {number}\n{LEAST}"), name) == number
    for number in (least - 1, most + 1):
        (problem,) = problems(folder, f"{name} = {number}\n{LEAST}")
        assert problem.startswith(f"{name} Input should be ")


@pytest.mark.parametrize(
    "address",
    [
        "http://ehr.hospital.example",
        "ehr.hospital.example",
        "//ehr.hospital.example",
        "https://",
        "https:///fhir",
        "https://ehr.hospital.example/fhir?x=1",
        "https://ehr.hospital.example/fhir#x",
        "https://user@ehr.hospital.example",
        "https://user:word@ehr.hospital.example",
        "https://:word@ehr.hospital.example",
        "https://ehr.hospital.example:port",
        "https://ehr.hospital.example:99999",
        "https://ehr.hospital.example:0",
        "https://[::1",
        "https://ehr.hospital.example; script-src *",
        "https://ehr.hospital.example https://evil.example",
        "https://ehr.hospital.example/\\r\\nset-cookie: x",
        "https://*",
        "https://ehr.*.example",
        "",
    ],
)
def test_an_address_is_https_and_nothing_else(folder: Path, address: str) -> None:
    """Nothing is sent without TLS, and nothing in an address gets into a header that it was not meant for."""
    for where in ("address", "issuer"):
        (old,) = [line for line in LEAST.splitlines() if line.startswith(f"{where} =")]
        assert len(problems(folder, LEAST.replace(old, f'{where} = "{address}"'))) == 1
    for more in ('frame_ancestors = ["{}"]', 'hooks = {{ issuer = "x", jku = "{}" }}'):
        assert len(problems(folder, f"{LEAST}{more.format(address)}\n")) == 1


def test_an_origin_has_no_path(folder: Path) -> None:
    """Whose pages may show the form is an origin, or all names below one; who may ask by itself is exactly one."""
    for origin in (f"{ISSUER}", "https://*.hospital.example/portal", "'self'", "*"):
        assert len(problems(folder, f'{LEAST}frame_ancestors = ["{origin}"]\n')) == 1
    hooks = f'{LEAST}hooks = {{ issuer = "x", jku = "{ISSUER}", origins = ["https://*.hospital.example"] }}\n'
    assert problems(folder, hooks) == [
        "ehr[0].hooks.origins[0] must be an https address without a query, such as https://ehr.hospital.example/fhir/R4"
    ]


@pytest.mark.parametrize(
    "text",
    [
        f'client_secret = "{HIDDEN}',
        f"{HIDDEN}",
        f'{LEAST}client_id = "{HIDDEN}"\n',
        f"# {HIDDEN} ü\n".encode("latin-1"),
        f'x = "{HIDDEN}"\n'.encode("utf-16"),
        "x = " + "[" * 100_000,
        "",
        "ehr = []",
        "ehr = 5",
        "ehr = [5]",
        f'{LEAST}[ehr.hooks.more]\nx = "{HIDDEN}"\n',
    ],
)
def test_what_is_no_such_file_is_refused(folder: Path, text: str | bytes) -> None:
    """It is said what is wrong and where, without what stands there."""
    assert problems(folder, text)


def test_the_command_line_says_it_without_a_traceback(folder: Path) -> None:
    """Whoever starts the server is told what is wrong as with any other option, a file that is not there included."""
    (folder / "ehr.toml").write_text("", encoding="utf-8")
    with pytest.raises(click.UsageError, match=r"address is missing, and must be given\n.*ehr is missing"):
        connect_to(folder / "ehr.toml", "")
    with pytest.raises(click.UsageError, match="No such file or directory"):
        connect_to(folder / "gone.toml", "")
