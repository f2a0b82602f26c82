"""A first draft of a specification from the columns of a registry: everything that a person must decide says CHECK."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from training.registry.table import read_table

MISSING = ("", "NA", "NaN", "nan", "null", "None", ".")
MOST_LEVELS = 12
FEWEST_IN_LEVEL = 5
"""Values of fewer patients are not written into a draft."""
SAME = 0.999
"""A correlation with the outcome's time beyond which a column is another version of it."""
HEAD = """# A first draft, made from the columns of {file} ({rows} rows).
# Training refuses it while CHECK stands in a value.
# What each key means: docs/registry.md.

name = "CHECK-name-of-the-model"
version = "0.1.0"
title = "CHECK: what is predicted, for whom"
origin = "CHECK: after this recurrence was diagnosed"
outcome = "death from any cause"
time_zero = "CHECK: the day on which the recurrence was diagnosed"
horizons_months = {horizons}
headline_months = {headline}
# The longest time that a prediction may be for: enough patients must have been followed so long.
support_months = {support}
data_period = "CHECK: from when the patients are"
made_from = "CHECK: one sentence that every result carries: which patients, where, when"
not_for = ["CHECK: whom the registry has not seen"]

[population] # or [stratum_feature], where something divides the patients
label = "CHECK: Patients"
phrase = "CHECK: a first recurrence"
"""


@dataclass(frozen=True, slots=True)
class _Outcome:
    time: str
    unit: str
    death: str
    dead: list[str]
    alive: list[str]
    patient: str | None


def draft_specification(path: Path) -> str:
    """The text of a draft that can be read as it stands. Raises UnreadableRegistry."""
    table = read_table(path)
    outcome = _outcome(table)
    months = _numbers(table[outcome.time]) * {"days": 1 / 30.4375, "months": 1.0, "years": 12.0}[outcome.unit]
    support = max(2, min(60, int(np.nanquantile(months, 0.9)))) if np.isfinite(months).any() else 12
    horizons = [month for month in (12, 24, 36, 60) if month <= support] or [support]
    head = HEAD.format(
        file=_safe(path.name),
        rows=len(table),
        horizons=horizons,
        headline=horizons[len(horizons) // 2],
        support=support,
    )
    head = head.replace('"CHECK-name-of-the-model"', '"name-of-the-model" # CHECK')
    parts = [head]
    others = [name for name in table.columns if name not in (outcome.time, outcome.death, outcome.patient)]
    parts += [_feature(table, name, months) for name in others]
    parts.append(_registry(outcome))
    return "\n".join(parts)


def _outcome(table: pd.DataFrame) -> _Outcome:
    """The columns that look like an outcome; the first ones where none does, for somebody to mend."""
    names = list(table.columns)

    def named(pattern: str, among: list[str]) -> str | None:
        return next((name for name in among if re.search(pattern, name, re.IGNORECASE)), None)

    numeric = [name for name in names if np.isfinite(_numbers(table[name])).mean() > 0.5]
    binary = [name for name in names if len(_values(table[name])) == 2]
    unique = [name for name in names if table[name].nunique() == len(table)]
    patient = named(r"id$|^id|patient|number|pid", unique)
    death = named(r"death|dead|died|status|event|fstat|cens", binary) or (binary or names)[0]
    numeric = [name for name in numeric if name not in (death, patient)]
    time = named(r"^(time|os|survival|futime|lenfol)|time|follow", numeric) or named(r"day|month|year", numeric)
    time = time or (numeric or names)[0]
    largest = np.nanmax(_numbers(table[time]), initial=0)
    unit = "days" if re.search("day", time, re.IGNORECASE) or largest > 600 else "months"
    values = sorted(_values(table[death]))
    dead = [value for value in values if value.lower() in ("1", "dead", "yes", "true", "died", "deceased", "event")]
    dead = dead or values[-1:] or ["1"]
    alive = [value for value in values if value not in dead] or ["0"]
    return _Outcome(time, unit, death, dead, alive[:5], patient)


def _feature(table: pd.DataFrame, column: str, months: np.ndarray) -> str:
    text, values = table[column], _values(table[column])
    known = text[~text.isin(MISSING)]
    numbers = _numbers(text)
    share = float(np.isfinite(numbers[~text.isin(MISSING).to_numpy()]).mean()) if len(known) else 0.0
    if len(values) < 2:
        return f"# Left out: {_safe(column)} is the same for everybody.\n"
    if share > 0.95 and len(values) > 5:
        both = np.isfinite(numbers) & np.isfinite(months)
        varies = both.sum() > 2 and np.std(numbers[both]) > 0 and np.std(months[both]) > 0
        if varies and abs(np.corrcoef(numbers[both], months[both])[0, 1]) > SAME:
            return f"# Left out: {_safe(column)} is another version of the outcome's time.\n"
        return _number(column, numbers, missing=len(known) < len(text))
    if len(values) > MOST_LEVELS:
        return f"# Left out: {_safe(column)} has {len(values)} different values: an identifier, a date or free text.\n"
    return _category(column, known, missing=len(known) < len(text))


def _number(column: str, numbers: np.ndarray, *, missing: bool) -> str:
    known = numbers[np.isfinite(numbers)]
    low, high = _outwards(float(known.min()), up=False), _outwards(float(known.max()), up=True)
    middle = float(f"{np.median(known):.2g}")
    skewed = known.min() > 0 and np.quantile(known, 0.95) > 4 * np.median(known)
    opened = ", low_open = true" if skewed and low == 0 else ""
    shape = f'transformation = "{"log" if skewed else "identity"}" # CHECK: identity, log, or rcs with knots'
    return (
        _question(column)
        + f'unit = "CHECK: unit"\nreference = {min(max(middle, low), high)}\n{shape}\n'
        + f"hard = {{ low = {low}, high = {high}{opened} }} # CHECK: beyond these a value is refused\n"
        + (_unknown() if missing else "")
    )


def _category(column: str, known: pd.Series[str], *, missing: bool) -> str:
    counts = known.value_counts()
    common = [str(value) for value in counts.index if counts[value] >= FEWEST_IN_LEVEL]
    rare = len(counts) - len(common)
    if len(common) < 2:
        return f"# Left out: {_safe(column)} has fewer than two values with {FEWEST_IN_LEVEL} patients or more.\n"
    taken: set[str] = set()
    levels = []
    for place, value in enumerate(common):
        code = re.sub(r"\W+", "_", value.lower()).strip("_") or f"level_{place}"
        code = f"level_{place}" if code in taken or code == "unknown" else code
        taken.add(code)
        shown = _safe(value)
        levels.append(
            f'\n[[features.levels]]\ncode = "{code}"\nlabel = "CHECK: {shown}"\nphrase = "CHECK: {shown}"\n'
            f'codes = ["{shown}"]\n'
        )
    first = re.findall(r'code = "([^"]+)"', levels[0])[0]
    note = f"# CHECK: {rare} rarer values are not listed here; rows with them count as impossible.\n" if rare else ""
    return _question(column) + f'reference = "{first}"\n' + (_unknown() if missing else "") + note + "".join(levels)


def _question(column: str) -> str:
    name = re.sub(r"\W+", "_", column.lower()).strip("_")
    name = name if re.match(r"[a-z]", name) else f"x_{name}"
    shown = _safe(column)
    return (
        f'\n[[features]]\nname = "{name}"\ncolumn = "{shown}"\nlabel = "CHECK: {shown}"\nquestion = "CHECK: {shown}?"\n'
        'definition = "CHECK: what exactly it is"\nwhere = "CHECK: where in the record it is found"\n'
        'timing = "CHECK: when it is known, relative to time zero"\n'
    )


def _unknown() -> str:
    return (
        'unknown = "Not known"\n'
        'unknown_handling = "CHECK: The estimate is an average over the values that the registry\'s patients had."\n'
    )


def _registry(outcome: _Outcome) -> str:
    patient = f'patient = "{_safe(outcome.patient)}"\n' if outcome.patient else ""
    return (
        f'\n[registry]\n{patient}time = "{_safe(outcome.time)}"\ntime_unit = "{outcome.unit}" # CHECK\n'
        f'death = "{_safe(outcome.death)}"\ndead = {_list(outcome.dead)} # CHECK\n'
        f"alive = {_list(outcome.alive)} # CHECK\n"
        f"missing = {_list(list(MISSING))}\n"
        'zero_times = "refuse" # CHECK: or exclude, or half_a_day_later\n'
        'impossible = "refuse" # CHECK: or exclude, each listed in the report\n'
        "\n[fitting]\nbootstraps = 500\n"
    )


def _list(values: list[str]) -> str:
    return "[" + ", ".join(f'"{_safe(value)}"' for value in values) + "]"


def _safe(text: str) -> str:
    """A text that can stand between quotation marks."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")


def _values(text: pd.Series[str]) -> set[str]:
    return set(text[~text.isin(MISSING)].unique())


def _numbers(text: pd.Series[str]) -> np.ndarray:
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)


def _outwards(value: float, *, up: bool) -> float:
    """A round number beyond, so that no patient's own value stands in the draft."""
    if value == 0:
        return 0.0
    step = 10 ** np.floor(np.log10(abs(value)))
    return float((np.floor(value / step) + 1) * step if up else (np.ceil(value / step) - 1) * step)
