"""The evidence: every figure that the default model rests on, each with its mark."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

REQUIRED = {"published": ("citation",), "derived": ("formula",), "assumed": ("reason", "spread")}
"""What each mark obliges a figure to state."""


class UnfoundedFigure(ValueError):
    """A figure of the evidence lacks what its mark requires; the message names it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it is, its unit, and what it rests on."""

    id: str
    what: str
    value: float
    unit: str
    mark: str
    citation: str | None = None
    formula: str | None = None
    reason: str | None = None
    spread: float | str | None = None
    spread_of: str | None = None
    relation: str = "="
    """``=`` where the source gives the value itself, ``<`` where it gives a bound."""

    @property
    def drawn_spread(self) -> float:
        """The spread as a number; ValueError for a figure that is not drawn."""
        if isinstance(self.spread, str) or self.spread is None:
            message = f"{self.id} has no spread to draw from"
            raise UnfoundedFigure(message)
        return float(self.spread)

    def as_row(self) -> dict[str, Any]:
        """The figure as a row of the card, without what it does not have."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All figures by id, and the works they cite."""

    figures: Mapping[str, Figure]
    citations: Mapping[str, str]

    def __getitem__(self, figure: str) -> float:
        """The value of one figure."""
        return self.figures[figure].value

    def spread(self, figure: str) -> float:
        """The spread of one figure."""
        return self.figures[figure].drawn_spread

    def __contains__(self, figure: str) -> bool:
        """Whether there is such a figure."""
        return figure in self.figures


def default_evidence() -> Evidence:
    """The evidence of the default model. Raises UnfoundedFigure."""
    text = files("training").joinpath("published", "evidence.toml").read_text(encoding="utf-8")
    return read_evidence(tomllib.loads(text))


def read_evidence(document: Mapping[str, Any]) -> Evidence:
    """Evidence from its parsed file: every figure with the mark and what the mark requires. Raises UnfoundedFigure."""
    citations = {item["key"]: f"{item['text']} doi:{item['doi']}" for item in document["citations"]}
    figures: dict[str, Figure] = {}
    for row in document["figures"]:
        figure = Figure(**row)
        needed = REQUIRED.get(figure.mark)
        if needed is None:
            message = f"{figure.id} is marked {figure.mark!r}; a mark is one of {', '.join(REQUIRED)}"
            raise UnfoundedFigure(message)
        lacking = [name for name in needed if getattr(figure, name) is None]
        if lacking:
            message = f"{figure.id} is marked {figure.mark} and lacks its {' and '.join(lacking)}"
            raise UnfoundedFigure(message)
        if figure.citation is not None and figure.citation not in citations:
            message = f"{figure.id} cites {figure.citation!r}, which is not among the citations"
            raise UnfoundedFigure(message)
        if figure.id in figures:
            message = f"{figure.id} is given twice"
            raise UnfoundedFigure(message)
        figures[figure.id] = figure
    return Evidence(figures=figures, citations=citations)
