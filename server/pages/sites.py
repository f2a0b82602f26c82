"""Where the pages of one model are, and what stands around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from server.entering.documents import MODEL
from server.pages.assets import Asset

LAUNCHED = "\x01"
"""What stands in the printed pages of launches for the place of the one launch that they are shown in."""


@dataclass(frozen=True, slots=True)
class OtherModel:
    """Another model that is served here."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Site:
    """The addresses that the pages of one model link to."""

    root: str
    place: str
    """Where the form and what follows from it are: the root, or a place for each launch."""
    query: str
    """Behind an address, so that it stays with a model that is not the default one."""
    style: str
    script: str
    icon: str
    support_line: str | None
    """Where somebody in distress can turn, as the hospital words it."""
    portals: str
    """The origins whose pages may show this one in a frame, and hear how high it is; as in the policy."""
    others: tuple[OtherModel, ...]

    @property
    def launched(self) -> bool:
        """Whether its pages are those of launches, each for the patient whom it was made for."""
        return LAUNCHED in self.place


def sites_of(
    names: Iterable[str],
    root: str,
    place: str,
    assets: Mapping[str, Asset],
    *,
    support_line: str | None,
    portals: Sequence[str],
) -> Mapping[str, Site]:
    """The site of every model; the first is the default one."""
    names = list(names)
    queries = {name: f"?{urlencode({MODEL: name})}" if position else "" for position, name in enumerate(names)}
    return {
        name: Site(
            root=root,
            place=place,
            query=queries[name],
            style=assets["style.css"].path,
            script=assets["page.js"].path,
            icon=assets["icon.svg"].path,
            support_line=support_line,
            portals=" ".join(portals),
            others=tuple(OtherModel(other, queries[other]) for other in names if other != name),
        )
        for name in names
    }
