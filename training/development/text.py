"""What development found, as text for the terminal; the report and the card hold all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.text import text_table

TABLES = (
    ("What became of the rows of the file", "flow"),
    ("Patients", "patients"),
    ("Hazard ratios", "coefficients"),
    ("Are there enough patients? (Riley's criteria)", "sample_size"),
    ("Are effects proportional over time?", "proportionality"),
    ("Mean error of calibration with each remedy, in points (apparent)", "remedies"),
)


def development_text(card: Mapping[str, Any]) -> str:
    """The card's tables, and what should give pause."""
    parts = [card["made_from"], card["validation"]["sentence"], card["variance"], *warnings(card)]
    parts += [f"{title}\n{text_table(_even(card[key]))}" for title, key in TABLES if card[key]]
    parts.append(f"Performance\n{text_table(card['validation']['same_source'])}")
    return "\n\n".join(parts) + "\n"


def warnings(card: Mapping[str, Any]) -> list[str]:
    """What a statistician would ask about, as sentences."""
    said = [
        f"Too few patients for {row['stratum']}: {row['patients']}, and {row['patients_needed'] or 'more'} are needed; "
        "a ridge penalty or fewer predictors would help."
        for row in card["sample_size"]
        if not row["met"]
    ]
    said += [
        f"The effect of {row['predictor']} is not proportional over time (stratum {row['stratum']}, P = {row['p']:g}): "
        "give it segments_months, or make it a stratum; the table of remedies says what each does to calibration."
        for row in card["proportionality"]
        if row["p"] < 0.05 and row["predictor"] != "all predictors"
    ]
    return said


def _even(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key) for key in keys} for row in rows]
