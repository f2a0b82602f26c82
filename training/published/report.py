"""What training found, as text for the terminal: the card's figures, computed and never typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.published.default_model import default_generators
from training.text import text_table

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
    parts += [f"{title}\n{text_table(card[key])}" for title, key in TABLES]
    parts.append(f"Patterns\n{text_table(card['strata'])}")
    return "\n\n".join(parts) + "\n"
