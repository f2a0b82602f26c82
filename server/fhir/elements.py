"""Elements of R4 resources, read with distrust: what is missing or of another shape is simply not there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from model.record import Code

Resource = Mapping[str, Any]

LONGEST_TEXT = 80
LONGEST_ADDRESS = 2000
"""What is longer is no address that anybody means: servers and proxies refuse it."""
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_KIND = re.compile(r"[A-Z][A-Za-z]+")
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


def is_id(text: object) -> bool:
    """Whether a text can be the id of a resource."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def part(node: object, name: str) -> Mapping[str, Any]:
    """A member that is an object, or an empty one."""
    member = node.get(name) if isinstance(node, Mapping) else None
    return member if isinstance(member, Mapping) else {}


def parts(node: object, name: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a member that is a list."""
    members = node.get(name) if isinstance(node, Mapping) else None
    if isinstance(members, Sequence) and not isinstance(members, str):
        yield from (member for member in members if isinstance(member, Mapping))


def text_at(node: object, name: str) -> str:
    """A member that is a text, or an empty one; what JSON lets through and no page could be written with is none."""
    return _text(node.get(name)) if isinstance(node, Mapping) else ""


def texts_at(node: object, name: str) -> list[str]:
    """The texts in a member that is a list."""
    members = node.get(name) if isinstance(node, Mapping) else None
    return [text for member in members if (text := _text(member))] if isinstance(members, list) else []


def _text(member: object) -> str:
    return member if isinstance(member, str) and not _HALF_A_CHARACTER.search(member) else ""


def codes_in(concept: object) -> frozenset[Code]:
    """The codes of a CodeableConcept, or of a Coding."""
    codings = [*parts(concept, "coding"), *([concept] if isinstance(concept, Mapping) and "code" in concept else [])]
    return frozenset(
        Code(text_at(coding, "system"), text_at(coding, "code"))
        for coding in codings
        if text_at(coding, "system") and text_at(coding, "code")
    )


def codes_in_all(concepts: Iterable[object]) -> frozenset[Code]:
    """The codes of several CodeableConcepts together."""
    return frozenset(code for concept in concepts for code in codes_in(concept))


def extensions(resource: object) -> Iterator[Mapping[str, Any]]:
    """Every extension, those inside extensions included, however deep."""
    waiting = list(parts(resource, "extension"))
    while waiting:
        extension = waiting.pop()
        yield extension
        waiting += parts(extension, "extension")


def extensions_named(resource: object, names: Collection[str]) -> list[Mapping[str, Any]]:
    """The extensions of these names: the ends of their addresses, whoever has defined them."""
    return [one for one in extensions(resource) if text_at(one, "url").rpartition("/")[2] in names]


def codes_in_extensions(resource: object, names: Collection[str]) -> frozenset[Code]:
    """The codes that extensions of these names hold."""
    values = ("valueCodeableConcept", "valueCoding")
    return codes_in_all(part(extension, value) for extension in extensions_named(resource, names) for value in values)


def is_understood(resource: object) -> bool:
    """Whether nothing in a resource may change what the rest of it means; FHIR forbids to read on past that."""
    return isinstance(resource, Mapping) and not ("modifierExtension" in resource or "implicitRules" in resource)


def name_of(concept: object) -> str:
    """What a CodeableConcept is called, short enough to stand in a list."""
    texts = [text_at(concept, "text"), *(text_at(coding, "display") for coding in parts(concept, "coding"))]
    text = " ".join(next((text for text in texts if text.strip()), "").split())
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def reference_to(resource: Resource) -> str:
    """How a resource is referred to: "Condition/12"."""
    return f"{text_at(resource, 'resourceType')}/{text_at(resource, 'id')}"


def referred(reference: object, base: str) -> str:
    """What a Reference leads to, as "Condition/12"; empty where it leads to another server or nowhere."""
    text = text_at(reference, "reference").removeprefix(f"{base}/")
    return _resource_at(text.split("/")) if len(text) <= LONGEST_ADDRESS else ""


def referred_path(address: str) -> str:
    """What a Location leads to, as "Condition/12"; empty where it names no resource."""
    if len(address) > LONGEST_ADDRESS:
        return ""
    names = address.removesuffix("/").split("/")
    return _resource_at(names[-4:] if "_history" in names[-2:-1] else names[-2:])


def _resource_at(names: Sequence[str]) -> str:
    """The resource that the last names of an address are of, with or without those of a version; empty for others."""
    kind, identifier, *version = names if len(names) > 1 else ("", "")
    is_version = not version or (len(version) == 2 and version[0] == "_history" and is_id(version[1]))
    return f"{kind}/{identifier}" if _KIND.fullmatch(kind) and is_id(identifier) and is_version else ""


def says_incomplete(resource: Resource) -> bool:
    """Whether a part of an answer says that something is missing from it: an OperationOutcome with an error."""
    is_outcome = resource.get("resourceType") == "OperationOutcome"
    return is_outcome and any(text_at(issue, "severity") in ("error", "fatal") for issue in parts(resource, "issue"))


def begun(resource: Resource, name: str) -> str:
    """When something began, as it is written there: at one time, or at the start of a period."""
    return text_at(resource, f"{name}DateTime") or text_at(part(resource, f"{name}Period"), "start")


def is_to_come(day: str, today: date) -> bool:
    """Whether a day, or what is known of it, is later than today: as they are written, the later one is the greater."""
    return day > today.isoformat()


def day_of(text: str) -> str:
    """The day of a date or dateTime as it is written there, or what is known of it: "2021-03-04", "2021-03", "2021"."""
    found = re.match(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|T)", text, re.ASCII)
    if found is None:
        return ""
    try:
        date.fromisoformat(f"{found[0]}-01-01"[:10])
    except ValueError:
        return ""
    return found[0]
