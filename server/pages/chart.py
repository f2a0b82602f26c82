"""The curve as a drawing: positions on fixed axes, which the template only prints.

Lines are drawn in data coordinates (months across, thousandths down), everything else in percent of the plot, so that
the same drawing fits every width while its letters keep their size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from model.fitted import Array, Model, Stratum
from model.prediction import Prediction
from model.rounding import percent
from model.survival import reference
from server.wording.telling import stratum_phrase
from server.wording.words import sentences

FULL = 1000
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


def chart_of(model: Model, prediction: Prediction) -> Chart:
    """Draw one prediction."""
    axes, patient, curve, about = axes_of(model), prediction.patient, prediction.curve, model.about
    stratum, alive = model.strata[patient.stratum], patient.alive_months
    estimate, everybody = curve.estimate.tolist(), prediction.reference.tolist()
    read = _read_at(prediction)
    differs = len(model.features.used_in(patient.stratum)) > 0
    end_at, reference_at = _apart(1 - estimate[-1], 1 - everybody[-1])
    say, phrase = sentences().say, stratum_phrase(model, patient.stratum)
    notes = [_not_enough(stratum.last_month, about.origin)]
    if alive:
        notes.insert(0, say("curve_starts", alive=alive, origin=about.origin))
    if not differs:
        notes.insert(0, say("same_as_everybody"))
    return Chart(
        title=_title(about.origin),
        description=say(
            "chart_description",
            start=alive,
            last=stratum.last_month,
            end=estimate[-1],
            reference_end=everybody[-1] if differs else None,
            phrase=phrase,
        ),
        line=_line(alive, curve.estimate),
        band=_band(alive, curve.estimate, curve.lower, curve.upper),
        reference_line=_reference_line(stratum, alive),
        supported=_percent(stratum.last_month / axes.months),
        unsupported=None if stratum.last_month == axes.months else _percent(1 - stratum.last_month / axes.months),
        starts=_percent(alive / axes.months) if alive else None,
        end=EndLabel(_percent(end_at), percent(estimate[-1])),
        reference_end=EndLabel(_percent(reference_at), percent(everybody[-1])) if differs else None,
        read_across=_percent(read / axes.months),
        read_down=_percent(1 - estimate[read - alive]),
        reading=say("worked_reading", horizon=read, survival=estimate[read - alive], origin=about.origin, alive=alive),
        notes=tuple(notes),
    )


@cache
def _title(origin: str) -> str:
    return sentences().say("chart_title", origin=origin)


@cache
def _not_enough(last: int, origin: str) -> str:
    return sentences().say("not_enough_follow_up", last=last, origin=origin)


def _read_at(prediction: Prediction) -> int:
    """The headline time that the worked reading is about: the second, or the only one."""
    horizons = prediction.survival
    return horizons[min(1, len(horizons) - 1)].months


def _apart(first: float, second: float) -> tuple[float, float]:
    """Two heights (0 at the top) moved apart until both labels can be read, and kept inside the plot."""
    gap = LABEL_GAP / 100
    if abs(first - second) >= gap:
        return first, second
    middle = min(max((first + second) / 2, gap / 2), 1 - gap / 2)
    half = gap / 2 if second >= first else -gap / 2
    return middle - half, middle + half


@lru_cache(maxsize=1024)
def _reference_line(stratum: Stratum, alive: int) -> str:
    return _line(alive, reference(stratum, alive))


def _line(start: int, shares: Array) -> str:
    return _points(list(range(start, start + len(shares))), _down(shares))


def _band(start: int, estimate: Array, lower: Array, upper: Array) -> str:
    """There along the upper limit and back along the lower one; where there is no limit, both are the estimate."""
    nothing = lower != lower  # noqa: PLR0124 - only what is not a number differs from itself
    if nothing.any():
        lower, upper = lower.copy(), upper.copy()
        lower[nothing] = upper[nothing] = estimate[nothing]
    months = list(range(start, start + len(estimate)))
    return _points([*months, *reversed(months)], [*_down(upper), *reversed(_down(lower))])


def _points(months: list[int], heights: list[int]) -> str:
    """Coordinates as a drawing takes them, across and down in turns."""
    flat = [0] * (2 * len(months))
    flat[::2], flat[1::2] = months, heights
    return str(flat)[1:-1]


def _down(shares: Array) -> list[int]:
    heights: list[int] = (FULL - FULL * shares).round().astype(int).tolist()
    return heights


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
