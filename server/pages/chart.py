"""The curve as a drawing: positions on fixed axes, which the template only prints.

Lines are drawn on a sheet of 2400 by 1000 that is stretched to the plot, all else in percent of the plot, so that the
same drawing fits every width while its letters keep their size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isnan

import numpy as np

from model.fitted import Array, Model, Stratum
from model.prediction import Horizon, Prediction
from model.rounding import percent
from model.survival import Curve, reference
from server.served import Served
from server.wording.telling import stratum_phrase

ACROSS, DOWN = 2400, 1000
"""The sheet: about as wide to its height as the plot, for programs that stretch the strokes with it."""
LABEL_GAP = 9.0
"""Percent of the plot's height that two labels at the end of lines must lie apart to be read."""
TICK_MONTHS, TICK_SHARES = 12, (0, 25, 50, 75, 100)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis, at a percentage of its length."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Axes:
    """What is the same whoever the patient is."""

    months: int
    across: tuple[Tick, ...]
    down: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class EndLabel:
    """The figure at which a line ends, written beside its end."""

    at: str
    figure: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient's curve, its band, and the reference curve."""

    title: str
    description: str
    line: str
    band: str
    reference_line: str
    supported: str
    """How far the data reach, in percent of the time axis."""
    unsupported: str | None
    """The width of what is left of the time axis; None where nothing is."""
    starts: str | None
    """Where the lines start, in percent; None where that is at time zero."""
    end: EndLabel
    reference_end: EndLabel | None
    """None where the two lines are one."""
    read_across: str
    read_down: str
    reading: str
    notes: tuple[str, ...]


@lru_cache(maxsize=64)
def axes_of(model: Model) -> Axes:
    """Axes that fit every patient of a model."""
    months = max(stratum.last_month for stratum in model.strata.values())
    return Axes(
        months=months,
        across=tuple(Tick(_percent(month / months), str(month)) for month in range(0, months + 1, TICK_MONTHS)),
        down=tuple(Tick(_percent(1 - share / 100), str(share)) for share in TICK_SHARES),
    )


def chart_of(served: Served, prediction: Prediction) -> Chart:
    """Draw one prediction."""
    model, say = served.model, served.language.sentences.say
    axes, patient, curve, about = axes_of(model), prediction.patient, prediction.curve, model.about
    stratum, alive = model.strata[patient.stratum], patient.alive_months
    estimate, everybody = curve.estimate.tolist(), prediction.reference.tolist()
    read, end = _read_at(prediction), end_of(prediction)
    differs = len(model.features.used_in(patient.stratum)) > 0
    end_at, reference_at = _apart(1 - estimate[-1], 1 - everybody[-1])
    phrase = stratum_phrase(model, patient.stratum)
    notes = [say("not_enough_follow_up", last=stratum.last_month, origin=about.origin)]
    if read.months != end.months:
        notes.insert(0, _told("curve_ends", end, served, alive))
    if alive:
        notes.insert(0, say("curve_starts", alive=alive, origin=about.origin))
    if not differs:
        notes.insert(0, say("same_as_everybody", phrase=phrase))
    return Chart(
        title=say("chart_title", origin=about.origin),
        description=say(
            "chart_description",
            start=alive,
            last=stratum.last_month,
            end=end.estimate,
            lower=end.lower,
            upper=end.upper,
            reference_end=everybody[-1] if differs else None,
            phrase=phrase,
            origin=about.origin,
        ),
        line=_line(alive, curve.estimate, axes.months),
        band=_band(curve, alive, axes.months),
        reference_line=_reference_line(stratum, alive, axes.months),
        supported=_percent(stratum.last_month / axes.months),
        unsupported=None if stratum.last_month == axes.months else _percent(1 - stratum.last_month / axes.months),
        starts=_percent(alive / axes.months) if alive else None,
        end=EndLabel(_percent(end_at), percent(estimate[-1])),
        reference_end=EndLabel(_percent(reference_at), percent(everybody[-1])) if differs else None,
        read_across=_percent(read.months / axes.months),
        read_down=_percent(1 - read.estimate),
        reading=_told("worked_reading", read, served, alive),
        notes=tuple(notes),
    )


def _read_at(prediction: Prediction) -> Horizon:
    """The headline time that the worked reading is about: the second, or the only one."""
    horizons = prediction.survival
    return horizons[min(1, len(horizons) - 1)]


def end_of(prediction: Prediction) -> Horizon:
    """The figure at which the line ends, at the last time that the data support."""
    curve = prediction.curve
    lower, upper, nothing = float(curve.lower[-1]), float(curve.upper[-1]), isnan(curve.lower[-1])
    months = int(curve.months[-1])
    return Horizon(months, float(curve.estimate[-1]), None if nothing else lower, None if nothing else upper)


def _told(sentence: str, at: Horizon, served: Served, alive: int) -> str:
    return served.language.sentences.say(
        sentence,
        horizon=at.months,
        survival=at.estimate,
        lower=at.lower,
        upper=at.upper,
        origin=served.model.about.origin,
        alive=alive,
    )


def _apart(first: float, second: float) -> tuple[float, float]:
    """Two heights (0 at the top) moved apart until both labels can be read, and kept inside the plot."""
    gap = LABEL_GAP / 100
    if abs(first - second) >= gap:
        return first, second
    middle = min(max((first + second) / 2, gap / 2), 1 - gap / 2)
    half = gap / 2 if second >= first else -gap / 2
    return middle - half, middle + half


@lru_cache(maxsize=1024)
def _reference_line(stratum: Stratum, alive: int, axis: int) -> str:
    return _line(alive, reference(stratum, alive), axis)


def _line(start: int, shares: Array, axis: int) -> str:
    return _points(_across(start, len(shares), axis), _down(shares))


def _band(curve: Curve, start: int, axis: int) -> str:
    """There along the upper limit and back along the lower one; where there is no limit, both are the estimate."""
    lower, upper, nothing = curve.lower, curve.upper, np.isnan(curve.lower)
    if nothing.any():
        lower, upper = np.where(nothing, curve.estimate, lower), np.where(nothing, curve.estimate, upper)
    across = _across(start, len(lower), axis)
    return _points([*across, *reversed(across)], [*_down(upper), *reversed(_down(lower))])


def _points(across: list[int], down: list[int]) -> str:
    """Coordinates as a drawing takes them, across and down in turns."""
    flat = [0] * (2 * len(across))
    flat[::2], flat[1::2] = across, down
    return str(flat)[1:-1]


def _across(start: int, count: int, axis: int) -> list[int]:
    return [round(ACROSS * month / axis) for month in range(start, start + count)]


def _down(shares: Array) -> list[int]:
    heights: list[int] = (DOWN - DOWN * shares).round().astype(int).tolist()
    return heights


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
