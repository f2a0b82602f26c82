"""Somebody who opens the form from an EHR with as little of a browser as there can be: links, cookies and forms."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from httpx2 import Client, Response

from tests.hospitals import Hospital
from tests.web import Page, read_page

NEVER = 600_000
"""Milliseconds that nobody waits for."""

REFUSED = "The EHR refused (status {})."
UNREACHABLE, SLOW = "The EHR could not be reached.", "The EHR did not answer in time."
UNREADABLE = "The EHR sent something that cannot be read."

SHOWN = {"text", "date", "hidden"}

Fields = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Visitor:
    """Who visits, and where."""

    clinic: Hospital
    http: Client
    at: str = ""
    """The address of the page that is open."""
    pages: list[Page] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.pages[-1]

    def open(self, patient: str, *, need_patient_banner: bool | None = True, granted_scope: str | None = None) -> Page:
        """Open the form from the EHR: the way over its sign-in, to wherever that leads."""
        name = f"launch-{len(self.pages)}"
        self.clinic.open(name, patient, need_patient_banner=need_patient_banner, granted_scope=granted_scope)
        return self.go(f"{self.clinic.address}/launch?{urlencode({'iss': self.clinic.peer.issuer, 'launch': name})}")

    def go(self, address: str) -> Page:
        """Follow a link."""
        return self._arrived(self.http.get(address))

    def send(self, place: str, fields: Fields) -> Page:
        """Send fields to a place of the page that is open."""
        return self._arrived(self.post(place, fields))

    def post(self, place: str, fields: Fields) -> Response:
        """The same without going there, as for a file."""
        return self.http.post(
            f"{self.place}{place}",
            content=urlencode(fields),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    @property
    def place(self) -> str:
        """What the places of the page that is open begin with."""
        (form,) = self.page.all("form", class_="patient")
        return f"{self.clinic.address}{form.attributes['action']}"

    def predict(self, alive_months: str = "31") -> Page:
        """Confirm all that the record filled in, and ask for the result."""
        return self.send("", changed(self.confirmed(), {"alive_months": alive_months}))

    def save(self, kind: str = "RiskAssessment") -> Page:
        """Press one of the buttons that write."""
        return self.send("save", [*carried(self.page), ("save.as", kind)])

    def fields(self) -> Fields:
        """What the form that is open would send."""
        return fields_of(self.page, "patient")

    def confirmed(self) -> Fields:
        """The same once every box is ticked."""
        return changed(self.fields(), dict.fromkeys(boxes(self.page), "yes"))

    def held(self) -> dict[str, str]:
        """The same without what is empty, hidden or confirms something."""
        hidden = ("launch.", "confirmed.")
        return {
            name: value for name, value in self.fields() if value and name != "model" and not name.startswith(hidden)
        }

    def _arrived(self, response: Response) -> Page:
        self.at = str(response.url)
        self.pages.append(read_page(response.text, response.status_code))
        return self.page


@contextmanager
def visitor(clinic: Hospital) -> Iterator[Visitor]:
    """Somebody with a browser of their own."""
    trust = ssl.create_default_context(cafile=str(clinic.peer.ca))
    with Client(verify=trust, follow_redirects=True, timeout=60) as http:
        yield Visitor(clinic, http)


def fields_of(page: Page, form: str) -> Fields:
    """What the form of this class sends as it is."""
    return [
        (element.attributes["name"], element.attributes.get("value", ""))
        for element in page.all("input", within=form)
        if element.attributes.get("type") in SHOWN or "checked" in element.attributes
    ]


def carried(page: Page) -> Fields:
    """What the forms of a result send along, each field once."""
    return list(dict(fields_of(page, "take")).items())


def changed(fields: Fields, changes: Mapping[str, str]) -> Fields:
    """The same with other values in fields that are there, or with fields that were not."""
    return [(name, value) for name, value in fields if name not in changes] + list(changes.items())


def boxes(page: Page) -> list[str]:
    """The names of the boxes by which what was filled in is confirmed."""
    names = (one.attributes["name"] for one in page.all("input", type="checkbox"))
    return [name for name in names if name.startswith("confirmed.")]


def asked(clinic: Hospital, path: str, method: str | None = None) -> list[dict[str, Any]]:
    """What the EHR was asked for at this place."""
    return [one for one in clinic.peer.requests() if one["path"].startswith(path) and method in (None, one["method"])]
