"""Read one patient's record: what may be read, as far as it can be read, and nothing of anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.fhir import asking
from server.fhir.asking import RecordServer
from server.fhir.elements import Resource, day_of, part, parts, referred, text_at, texts_at
from server.fhir.finding import OBSERVED
from server.fhir.found import DIED, Banner, Unread
from server.fhir.unanswered import Unanswered

KINDS = ("Patient", "Condition", "Procedure", "Observation")
"""What is asked of a record, and no more."""


@dataclass(frozen=True, slots=True)
class RecordRead:
    """A patient's record, as far as it could be read."""

    resources: Mapping[str, Sequence[Resource]]
    unread: tuple[Unread, ...]

    @property
    def patient(self) -> Resource | None:
        """The patient, where that could be read."""
        return next(iter(self.resources.get("Patient", ())), None)

    @property
    def refused(self) -> bool:
        """Whether the right to read has ended."""
        return any(one.failure.status == 401 for one in self.unread)


async def read_record(server: RecordServer, patient: str, allowed: Sequence[str]) -> RecordRead:
    """Everything that is asked of one patient's record, all at once. ``allowed`` are the types that may be read.

    All of it together may take so long and be so large. Where anything is about another patient, nothing is used: whose
    record this is has become doubtful.
    """
    server = replace(server, allowance=asking.Allowance())
    read: dict[str, Sequence[Resource]] = {}
    unread: dict[str, Unanswered] = {
        kind: Unanswered(sentence="ehr_not_allowed") for kind in KINDS if kind not in allowed
    }

    async def one(kind: str) -> None:
        try:
            async with asyncio.timeout(asking.RECORD_SECONDS):
                read[kind] = await _read_kind(server, kind, patient)
        except TimeoutError:
            unread[kind] = Unanswered(sentence="ehr_too_slow")
        except Unanswered as failure:
            unread[kind] = failure

    async with asyncio.TaskGroup() as tasks:
        for kind in KINDS:
            if kind in allowed:
                tasks.create_task(one(kind))
    if any(failure.sentence == "ehr_other_patient" for failure in unread.values()):
        read, unread = {}, dict.fromkeys(KINDS, Unanswered(sentence="ehr_other_patient"))
    return RecordRead(read, tuple(Unread(kind, unread[kind]) for kind in KINDS if kind in unread))


def belongs(resource: Resource, patient: str, base: str) -> bool:
    """Whether a resource is about this patient."""
    if resource.get("resourceType") == "Patient":
        return text_at(resource, "id") == patient
    return referred(part(resource, "subject"), base) == f"Patient/{patient}"


async def _read_kind(server: RecordServer, kind: str, patient: str) -> Sequence[Resource]:
    if kind == "Patient":
        resources: Sequence[Resource] = [await server.read(f"Patient/{patient}")]
        if resources[0].get("resourceType") != kind:
            raise Unanswered(sentence="ehr_unreadable")
    else:
        parameters = {"patient": patient}
        if kind == "Observation":
            parameters["code"] = ",".join(f"{code.system}|{code.code}" for code in OBSERVED)
        resources = await server.search(kind, parameters)
    if not all(belongs(one, patient, server.base) for one in resources):
        raise Unanswered(sentence="ehr_other_patient")
    return resources


def banner_of(patient: Resource) -> Banner:
    """The name that is in use, and the birth date, as the record has them."""
    uses = ("official", "usual", "")
    names = sorted(parts(patient, "name"), key=lambda name: (*uses, text_at(name, "use")).index(text_at(name, "use")))
    name = next(iter(names), {})
    text = text_at(name, "text") or " ".join([*texts_at(name, "given"), text_at(name, "family")])
    died = text_at(patient, "deceasedDateTime")
    dead = bool(died) or patient.get("deceasedBoolean") is True
    return Banner(" ".join(text.split()), day_of(text_at(patient, "birthDate")), day_of(died) or (DIED if dead else ""))
