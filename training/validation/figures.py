"""Coordinates of a report's figures: 100 wide and 100 high, the origin at the lower left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dot:
    """One group of patients: predicted across, observed up, with the interval."""

    across: float
    up: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class CalibrationFigure:
    """Observed against predicted survival at one horizon."""

    months: str
    line: str
    band: str
    dots: tuple[Dot, ...]
    reading: str


@dataclass(frozen=True, slots=True)
class DecisionFigure:
    """Net benefit at each threshold of one horizon."""

    months: str
    model: str
    everybody: str
    zero: float
    top: float


def calibration_figures(measures: Mapping[str, Any]) -> list[CalibrationFigure]:
    """One for each horizon that was reached."""
    figures = []
    for months, one in measures["calibration"].items():
        smooth, observed = one["smooth"], one["observed_survival"]
        if "unavailable" in observed:
            continue
        line = band = ""
        if "unavailable" not in smooth:
            line = _points(smooth["predicted"], smooth["observed"])
            band = " ".join(
                [
                    _points(smooth["predicted"], smooth["lower"]),
                    _points(smooth["predicted"][::-1], smooth["upper"][::-1]),
                ]
            )
        dots = [
            Dot(100 * group["predicted"], _up(seen["value"]), _up(seen["lower"]), _up(seen["upper"]))
            for group in one["groups"]
            if (seen := group["observed"]).get("lower") is not None
        ]
        reading = (
            f"At {months} months, of 100 patients {100 * one['predicted_survival']:.0f} were predicted to be alive and "
            f"{100 * observed['value']:.0f} were (Kaplan-Meier)."
        )
        figures.append(CalibrationFigure(months, line, band, tuple(dots), reading))
    return figures


def decision_figures(measures: Mapping[str, Any]) -> list[DecisionFigure]:
    """One for each horizon that was reached."""
    figures = []
    for months, curve in measures["decision"].items():
        known = [point for point in curve if point["model"] is not None]
        if len(known) < 2:
            continue
        top = max(0.05, *(point["model"] for point in known), curve[0]["everybody"])
        bottom = -0.1 * top

        def up(value: float, top: float = top, bottom: float = bottom) -> float:
            return 100 - 100 * (max(value, bottom) - bottom) / (top - bottom)

        figures.append(
            DecisionFigure(
                months,
                " ".join(f"{100 * point['threshold']:.1f},{up(point['model']):.2f}" for point in known),
                " ".join(f"{100 * point['threshold']:.1f},{up(point['everybody']):.2f}" for point in curve),
                up(0.0),
                top,
            )
        )
    return figures


def _points(across: Sequence[float], up: Sequence[float]) -> str:
    return " ".join(f"{100 * x:.2f},{_up(y):.2f}" for x, y in zip(across, up, strict=True))


def _up(share: float) -> float:
    return 100 - 100 * share
