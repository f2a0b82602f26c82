"""Read a caller's JSON member by member, and note every one that is not as it must be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from server.fhir.elements import is_id
from server.wording.refusing import Unreadable

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

Problems = dict[str, Unreadable]
"""By the place of a member, as "context.patientId", what is wrong with it."""


class WrongBody(Exception):
    """A body that is JSON and not what was to be sent; all of its problems at once."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one object; what is read of them is empty where it is noted as a problem."""

    document: Mapping[str, object]
    place: str = ""
    problems: Problems = field(default_factory=dict)
    """One dict for an object and for every object within it."""

    def has(self, name: str) -> bool:
        """Whether a member is there; null counts as absent."""
        return self.document.get(name) is not None

    def note(self, name: str, sentence: str, **placeholders: object) -> None:
        """Say what is wrong with a member."""
        place = self.place + name
        self.problems.setdefault(place, Unreadable(sentence, name=place, **placeholders))

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self.document.get(name)
        if isinstance(value, str) and value.strip():
            return value
        self.note(name, "hooks_no_text")
        return ""

    def one_of(self, name: str, allowed: Collection[str]) -> str:
        """A text that is one of these."""
        value = self.document.get(name)
        if isinstance(value, str) and value in allowed:
            return value
        self.note(name, "hooks_none_of", allowed=list(allowed))
        return ""

    def uuid(self, name: str) -> None:
        """A UUID."""
        value = self.document.get(name)
        if not (isinstance(value, str) and _UUID.fullmatch(value)):
            self.note(name, "hooks_no_uuid")

    def identifier(self, name: str) -> str:
        """The id of a resource."""
        value = self.document.get(name)
        if isinstance(value, str) and is_id(value):
            return value
        self.note(name, "hooks_no_id")
        return ""

    def seconds(self, name: str) -> None:
        """A whole number of seconds, none of them negative."""
        value = self.document.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.note(name, "hooks_no_seconds")

    def moment(self, name: str) -> None:
        """A moment, with its time zone."""
        value = self.document.get(name)
        try:
            known = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            known = False
        if not known:
            self.note(name, "hooks_no_moment")

    def within(self, name: str) -> Members:
        """The object that a member is."""
        value = self.document.get(name)
        if not isinstance(value, Mapping):
            self.note(name, "hooks_no_object")
            value = {}
        return Members(value, f"{self.place}{name}.", self.problems)

    def each(self, name: str) -> Iterator[Members]:
        """The objects in a list; there is at least one."""
        value = self.document.get(name)
        if not isinstance(value, list) or not value:
            self.note(name, "hooks_no_list")
            return
        for position, one in enumerate(value):
            place = f"{name}[{position}]"
            if isinstance(one, Mapping):
                yield Members(one, f"{self.place}{place}.", self.problems)
            else:
                self.note(place, "hooks_no_object")
