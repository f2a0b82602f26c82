"""Addresses of resources: which resource they are of, whatever they are made of."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from model.artefact import Artefact
from server.fhir.checking import WRITTEN
from server.fhir.document_reference import document_reference
from server.fhir.elements import LONGEST_ADDRESS, is_id, referred, referred_path
from server.fhir.observation import observation
from server.fhir.risk_assessment import risk_assessment
from server.served import prepare
from server.wording.language import english
from tests.records import BASE
from tests.responses import said_of
from tests.web import LOCAL

LONGEST_ID = "a" * 64


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("Condition/12", "Condition/12"),
        (f"{BASE}/Condition/12", "Condition/12"),
        (f"{BASE}/Condition/12/", "Condition/12"),
        (f"{BASE}/Condition/12/_history/1", "Condition/12"),
        (f"{BASE}/Condition/12/_history/1/", "Condition/12"),
        (f"/fhir/Condition/{LONGEST_ID}/_history/{LONGEST_ID}", f"Condition/{LONGEST_ID}"),
        (f"/fhir/Condition/{LONGEST_ID}a", ""),
        (f"/fhir/Condition/12/_history/{LONGEST_ID}a", ""),
        ("Condition/12/_history/", ""),
        ("Condition/12/_history", ""),
        ("Condition/_history/12", ""),
        ("_history/12", ""),
        ("Condition/12//", ""),
        ("Condition/12\n", ""),
        ("Condition/12?x=1", ""),
        ("Condition/zwölf", ""),
        ("condition/12", ""),
        ("xCondition/12", ""),
        ("C/12", ""),
        ("Condition", ""),
        ("/", ""),
        ("", ""),
        (f"{'x' * (LONGEST_ADDRESS - 13)}/Condition/12", "Condition/12"),
        (f"{'x' * (LONGEST_ADDRESS - 12)}/Condition/12", ""),
        ("A" * 20_000, ""),
        (f"{'A/' * 20_000}Condition/12", ""),
    ],
)
def test_a_location_leads_to_a_resource_or_nowhere(address: str, leads_to: str) -> None:
    """An EHR says by it where something was written; what names no resource, or is no address, is not shown."""
    assert referred_path(address) == leads_to
    named = address.removeprefix(f"{BASE}/").startswith("Condition/") and not address.endswith("/")
    assert referred({"reference": address}, BASE) == (leads_to if named else "")


@pytest.mark.parametrize("text", [LONGEST_ID, "0", "a-b.C"])
def test_an_id_is_one(text: str) -> None:
    """FHIR's own rule."""
    assert is_id(text)
    assert not [wrong for wrong in (f"{text}\n", f"{text}/", f"{text}é", text.encode(), None, "") if is_id(wrong)]


SCRIPT = """
import json, sys
from server.fhir.checking import checked, prepare
assert not [name for name in sys.modules if name.startswith("fhir")]
prepare()
loaded = set(sys.modules)
for resource in json.load(sys.stdin):
    checked(resource)
print(sorted(set(sys.modules) - loaded))
"""


def test_what_checking_needs_can_be_loaded_ahead(artefact: Artefact) -> None:
    """The first result that is written waits for no library: nothing more of it is loaded then."""
    served = prepare(artefact, english())
    said = said_of(served, LOCAL, 13, basis=["Condition/1", "Observation/2"], by_hand=["x"])
    ours = [risk_assessment(said), observation(said), document_reference(said, b"%PDF-")]
    assert {one["resourceType"] for one in ours} == set(WRITTEN)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(ours), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stdout + done.stderr
