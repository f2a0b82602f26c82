"""What training found, as text for the terminal: the card's figures, computed and never typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.published.default_model import default_generators

TABLES = (
    ("Every published figure beside the model's", "published_against_model"),
    ("Cohorts that met each published figure, of those that came to it", "acceptance"),
    ("Wald P of the predictors: published, and the median over the cohorts", "wald_p"),
    ("Effects: pooled, and their priors", "effects"),
    ("Monte Carlo error at the explained horizon, in percentage points", "monte_carlo"),
)


def steps(reconstructions: int) -> int:
    """How many steps training reports: each cohort is accepted once and fitted once."""
    return 2 * reconstructions * len(default_generators())


def report(card: Mapping[str, Any]) -> str:
    """The training report as plain text."""
    parts = [card["made_from"]]
    parts += [f"{title}\n{_table(card[key])}" for title, key in TABLES]
    parts.append(f"Patterns\n{_table(card['strata'])}")
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    header = list(rows[0])
    cells = [[name.replace("_", " ") for name in header], *([_cell(row[name]) for name in header] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def _cell(value: object) -> str:
    if value is None:
        return "none"
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)
