"""How the tests look at the server: a client, and what a page says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.document import read_model
from server.application import create_app
from tests import invented

PREDICTIONS = "/api/v1/predictions"
LOCAL: Mapping[str, Any] = {"pattern": "local", "interval_months": 24, "resection": "yes"}
UNKNOWN: Mapping[str, Any] = {"pattern": "local", "interval_months": 24, "resection": "unknown"}
DISTANT: Mapping[str, Any] = {"pattern": "distant", "interval_months": 5, "subtype": "lms"}
BOTH: Mapping[str, Any] = {"pattern": "both"}
ONE_OF_EACH = (LOCAL, UNKNOWN, DISTANT, BOTH)

VOID = {"meta", "link", "input", "br", "rect", "line", "circle", "polyline", "polygon"}


def client_of(*artefacts: Artefact, frame_ancestors: Sequence[str] = (), root_path: str = "") -> TestClient:
    """A client of an application that serves these models; a failure of the program is an answer, not an exception."""
    app = create_app(artefacts, frame_ancestors=frame_ancestors, root_path=root_path)
    return TestClient(app, raise_server_exceptions=False)


def another_artefact(name: str = "another", seed: int = 7) -> Artefact:
    """A model that asks other questions than the default one, with 13 months of follow-up in a registry."""
    document = invented.document(invented.stratum(seed)) | {"name": name}
    return Artefact(model=read_model(document, "1" * 64), card={}, manifest={})


def ask(client: TestClient, features: Mapping[str, Any], **members: object) -> dict[str, Any]:
    """The interface's answer."""
    response = client.post(PREDICTIONS, json={"features": features, **members})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def post_text(client: TestClient, text: str | bytes, content_type: str = "application/json") -> Response:
    """Send a body as it is."""
    return client.post(PREDICTIONS, content=text, headers={"content-type": content_type})


def send_form(client: TestClient, features: Mapping[str, Any], **fields: object) -> Page:
    """The page that answers a form."""
    response = client.post("/", data={name: str(value) for name, value in {**features, **fields}.items()})
    return read_page(response.text, response.status_code)


@dataclass(slots=True)
class Element:
    """One element: its tag, attributes, and the text in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: tuple[str, ...] = ()


@dataclass(slots=True)
class Page:
    """What a page says: its elements in order, and all text that a reader sees."""

    status: int
    html: str
    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements of a tag with these attributes; ``class_`` is one of the classes.

        ``within`` is the tag, or one of the classes, of an element around it.
        """
        wanted, around = attributes.pop("class_", None), attributes.pop("within", None)
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(element.attributes.get(name.replace("_", "-")) == value for name, value in attributes.items())
            and (wanted is None or wanted in element.attributes.get("class", "").split())
            and (around is None or around in element.inside)
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element."""
        (element,) = self.all(tag, **attributes)
        return element

    def texts(self, tag: str, **attributes: str) -> list[str]:
        """What such elements say."""
        return [element.text for element in self.all(tag, **attributes)]

    def addresses(self) -> list[str]:
        """Wherever the page leads or sends to, or takes something from."""
        leading = ("href", "src", "action", "formaction", "data-fragment", "data-home")
        return [element.attributes[name] for element in self.elements for name in leading if name in element.attributes]

    def table(self, class_: str) -> list[list[str]]:
        """The body of the only table of a class, row by row; cells that only picture something are empty."""
        rows: list[list[str]] = []
        for element in self.elements:
            if class_ not in element.inside or "tbody" not in element.inside:
                continue
            if element.tag == "tr":
                rows.append([])
            elif element.tag in {"th", "td"}:
                rows[-1].append(element.text)
        return rows


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page, self.open = page, list[Element]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = tuple(
            name for element in self.open for name in (element.tag, *element.attributes.get("class", "").split())
        )
        element = Element(tag, {name: value or "" for name, value in attrs}, "", inside)
        self.page.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        element = self.open.pop()
        assert element.tag == tag, f"</{tag}> where <{element.tag}> is open"
        element.text = " ".join(element.text.split())

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        self.page.text += data


def read_page(html: str, status: int = 200) -> Page:
    """Read a page, and check on the way that every element is closed where it was opened."""
    page = Page(status, html)
    reader = _Reader(page)
    reader.feed(html)
    reader.close()
    assert not reader.open, f"<{reader.open[-1].tag}> is never closed"
    page.text = " ".join(page.text.split())
    return page


def as_json(document: object) -> str:
    """A document as the interface takes it."""
    return json.dumps(document)
