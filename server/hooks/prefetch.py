"""The part of a record that a card needs: what the EHR brought along, and the rest from its own server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.connections import Ehr
from server.fhir.asking import MOST_RESOURCES, Network, RecordServer, client_for
from server.fhir.elements import Resource, part, parts, says_incomplete
from server.fhir.finding import OBSERVED
from server.fhir.reading import belongs, read_record
from server.hooks.request import Asked

PATIENT = "{{context.patientId}}"
"""What an EHR puts the patient's id in place of."""
KEYS = {"Patient": "patient", "Condition": "conditions", "Procedure": "procedures", "Observation": "observations"}
"""By type of resource, under which name it is brought along."""
NEEDED = "Condition"
"""Without these nothing can be said."""

PATIENCE = 4.0
"""Seconds for all that is read from an EHR. Somebody waits for a page to open: what is late is as good as missing."""


class OtherPatient(Exception):
    """Something is about another patient than the one whose record is open, so that nothing of it is used."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Gathered:
    """What there is of a record."""

    resources: Mapping[str, Sequence[Resource]]
    missing: tuple[str, ...]
    """The types of which nothing is known, or not everything."""


def templates() -> dict[str, str]:
    """What an EHR is asked to bring along."""
    codes = ",".join(f"{code.system}|{code.code}" for code in OBSERVED)
    return {
        KEYS["Patient"]: f"Patient/{PATIENT}",
        KEYS["Condition"]: f"Condition?patient={PATIENT}",
        KEYS["Procedure"]: f"Procedure?patient={PATIENT}",
        KEYS["Observation"]: f"Observation?patient={PATIENT}&code={codes}",
    }


async def gather(asked: Asked, ehr: Ehr, network: Network, patience: float = PATIENCE) -> Gathered:
    """What was brought along, and what an EHR gives that lets us read the rest. Raises OtherPatient."""
    brought = {kind: _brought(kind, asked.prefetch[name]) for kind, name in KEYS.items() if name in asked.prefetch}
    resources = {kind: found for kind, found in brought.items() if found is not None}
    for kind, found in resources.items():
        if not all(belongs(one, asked.patient, ehr.issuer) for one in found):
            raise OtherPatient(kind)
    wanted = tuple(kind for kind in KEYS if kind not in resources)
    if wanted and asked.token is not None:
        resources |= await _read(asked.patient, asked.token, ehr, network, wanted, patience)
    return Gathered(resources, tuple(kind for kind in KEYS if kind not in resources))


def _brought(kind: str, value: object) -> Sequence[Resource] | None:
    """The resources of a type in one value of a prefetch; None where it does not hold all of them.

    Null says that the EHR looked and found none; an error stands there as an OperationOutcome, or nothing does. A
    further page is not asked for at the address that a body names: all of it is read anew, at an address of our own.
    More than are read of any record are not looked through either.
    """
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        return None
    if value.get("resourceType") == kind:
        return (value,)
    if value.get("resourceType") != "Bundle" or any(link.get("relation") == "next" for link in parts(value, "link")):
        return None
    found = [part(entry, "resource") for entry in parts(value, "entry")]
    if any(says_incomplete(one) for one in found):
        return None
    resources = [one for one in found if one.get("resourceType") == kind]
    return resources if len(resources) <= MOST_RESOURCES else None


async def _read(
    patient: str, token: str, ehr: Ehr, network: Network, kinds: Sequence[str], patience: float
) -> Mapping[str, Sequence[Resource]]:
    """What can be read of these types. Which of them the right covers is for the EHR to say. Raises OtherPatient."""
    try:
        async with asyncio.timeout(patience), client_for(ehr, network) as client:
            read = await read_record(RecordServer(client, ehr.issuer, token), patient, kinds)
    except TimeoutError:
        return {}
    if any(one.failure.sentence == "ehr_other_patient" for one in read.unread):
        raise OtherPatient(NEEDED)
    return read.resources
