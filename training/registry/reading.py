"""From a registry file to a cohort: every exclusion counted, every impossible value listed, nothing repaired."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.features import Range
from training.registry.cohort import Cohort, FlowStep, ImpossibleRow
from training.registry.form import EligibleForm, FeatureForm
from training.registry.specification import Specification
from training.registry.table import UnreadableRegistry, read_table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MONTH_DAYS = 30.4375
MONTHS = {"days": 1 / MONTH_DAYS, "weeks": 7 / MONTH_DAYS, "months": 1.0, "years": 365.25 / MONTH_DAYS}
HALF_A_DAY = 0.5 / MONTH_DAYS
MOST_LISTED = 20
LONGEST = 40


class ImpossibleRegistry(ValueError):
    """The specification wants impossible rows refused, and there are some; the message lists them."""


def read_registry(path: Path, specification: Specification) -> Cohort:
    """The patients of a file that the specification makes eligible.

    Raises UnreadableRegistry (the file, its columns, or nobody left) or ImpossibleRegistry.
    """
    table = read_table(path)
    _check_columns(table, specification, path)
    reading = _Reading(table, specification)
    cohort = reading.cohort()
    if not len(cohort.time):
        steps = "; ".join(f"{step.excluded} {step.reason}" for step in cohort.flow[1:] if step.excluded)
        message = f"{path}: no patient is left. Of {len(table)} rows: {steps}."
        raise UnreadableRegistry(message)
    return cohort


def check_for_fitting(cohort: Cohort) -> None:
    """Refuse a cohort from which a model cannot be fitted, with every reason. Raises UnreadableRegistry."""
    specification, found = cohort.specification, []
    for name in specification.strata:
        own = cohort.stratum == name
        deaths = int(cohort.event[own].sum())
        if deaths < 2:
            found.append(f"stratum {name} has {'no patient' if not own.any() else 'fewer than 2 deaths'}")
            continue
        if not (cohort.time[own] >= specification.support_months).any():
            found.append(
                f"nobody of stratum {name} was followed for support_months, {specification.support_months}; "
                f"the longest was {np.floor(cohort.time[own].max()):g}"
            )
        for feature in specification.features:
            if not feature.used_in(name):
                continue
            answers = cohort.patients[feature.name][own]
            seen = set(answers.dropna())
            absent = [level.code for level in feature.levels if level.code not in seen]
            if absent:
                found.append(f"no patient of stratum {name} has {feature.name} = {' or '.join(absent)}")
            elif len(seen) < 2:
                found.append(f"{feature.name} is the same for all patients of stratum {name}")
    if found:
        message = "A model cannot be fitted: " + "; ".join(found) + "."
        raise UnreadableRegistry(message)


def _check_columns(table: pd.DataFrame, specification: Specification, path: Path) -> None:
    registry = specification.registry
    needed = [registry.time, registry.death]
    needed += [name for name in (registry.patient, registry.entry, registry.count, registry.centre) if name is not None]
    needed += [rule.column for rule in registry.eligible]
    needed += [form.column or form.name for form in _forms(specification)]
    features = {feature.name for feature in specification.features}
    needed += [name for name in registry.subgroups if name not in features]
    absent = [name for name in dict.fromkeys(needed) if name not in table.columns]
    if absent:
        said = []
        for name in absent:
            near = get_close_matches(name, list(table.columns), 1)
            said.append(f"{name}{f' (is {near[0]} meant?)' if near else ''}")
        message = f"{path} has no column {', '.join(said)}."
        raise UnreadableRegistry(message)


def _forms(specification: Specification) -> list[FeatureForm]:
    stratum = [] if len(specification.strata) == 1 else [specification.stratum_form]
    return [*stratum, *specification.form.features]


class _Reading:
    """One pass over a table; ``kept`` shrinks with each exclusion, and each is counted."""

    def __init__(self, table: pd.DataFrame, specification: Specification) -> None:
        self.table, self.specification, self.registry = table, specification, specification.registry
        self.missing = set(self.registry.missing)
        self.kept: Mask = np.ones(len(table), dtype=bool)
        self.flow = [FlowStep("rows in the file", 0, len(table))]
        self.impossible: list[ImpossibleRow] = []

    def cohort(self) -> Cohort:
        for rule in self.registry.eligible:
            self._exclude(~self._eligible(rule), rule.reason)
        self._repeated_patients()
        time, event, entry = self._time(self.registry.time), self._event(), self._entry()
        stratum = self._stratum()
        answers = {form.name: self._answers(form, stratum) for form in self.specification.form.features}
        count = self._count()
        if entry is not None:
            self._list(
                ~(entry < time) & np.isfinite(entry) & np.isfinite(time), self.registry.entry, "is not before the end"
            )
        self._drop_impossible()
        time = self._zero_times(time)
        for form in self.specification.form.features:
            if form.unknown is None:
                used = self._used(form, stratum)
                self._exclude(used & pd.isna(answers[form.name]), f"{form.label} is not recorded")
        kept = np.repeat(np.flatnonzero(self.kept), count[self.kept])
        if len(kept) != int(self.kept.sum()):
            self.flow.append(FlowStep(f"rows stand for {len(kept)} patients", 0, len(kept)))
        patients = pd.DataFrame({name: pd.Series(values).iloc[kept].to_numpy() for name, values in answers.items()})
        patients.index = self.table.index[kept]
        return Cohort(
            specification=self.specification,
            patients=patients,
            time=time[kept],
            event=event[kept],
            entry=None if entry is None else entry[kept],
            stratum=stratum[kept].astype(str),
            subgroups=self._subgroups(answers, kept),
            flow=tuple(self.flow),
            impossible=tuple(sorted(self.impossible, key=lambda one: one.row)),
        )

    def _exclude(self, bad: Mask, reason: str) -> None:
        bad = bad & self.kept
        self.kept = self.kept & ~bad
        self.flow.append(FlowStep(reason, int(bad.sum()), int(self.kept.sum())))

    def _list(self, bad: Mask, column: str | None, reason: str) -> None:
        for place in np.flatnonzero(bad & self.kept).tolist():
            value = str(self.table[column].iloc[place])
            shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
            self.impossible.append(ImpossibleRow(int(self.table.index[place]), str(column), shown, reason))

    def _drop_impossible(self) -> None:
        rows = {one.row for one in self.impossible}
        if rows and self.registry.impossible == "refuse":
            listed = sorted(self.impossible, key=lambda one: one.row)
            lines = [f"row {one.row}: {one.column} {one.value!r} {one.reason}" for one in listed[:MOST_LISTED]]
            more = f"\nand {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
            message = "The registry has rows that cannot be right:\n" + "\n".join(lines) + more
            raise ImpossibleRegistry(message)
        self._exclude(np.isin(self.table.index.to_numpy(), list(rows)), "impossible values, listed by row")

    def _text(self, column: str) -> pd.Series[str]:
        return self.table[column]

    def _absent(self, column: str) -> Mask:
        return self._text(column).isin(self.missing).to_numpy(dtype=bool)

    def _numbers(self, column: str, *, required: bool) -> Array:
        """A column's numbers; what is none is listed, and what is missing too, if it is required."""
        text, absent = self._text(column), self._absent(column)
        numbers = pd.to_numeric(text.where(~absent), errors="coerce").to_numpy(dtype=float)
        plain = text.str.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?|[+-]?\.\d+").to_numpy(dtype=bool)
        self._list(~absent & ~(plain & np.isfinite(numbers)), column, "is not a number (decimal point, no thousands)")
        if required:
            self._list(absent, column, "is missing")
        return np.where(plain, numbers, np.nan)

    def _time(self, column: str) -> Array:
        time = self._numbers(column, required=True) * MONTHS[self.registry.time_unit]
        self._list(time < 0, column, "is negative")
        return time

    def _entry(self) -> Array | None:
        return None if self.registry.entry is None else self._time(self.registry.entry)

    def _event(self) -> Mask:
        codes = _normalised(self._text(self.registry.death))
        dead = codes.isin(self.registry.dead).to_numpy(dtype=bool)
        alive = codes.isin(self.registry.alive).to_numpy(dtype=bool)
        known = f"is neither dead ({', '.join(self.registry.dead)}) nor alive ({', '.join(self.registry.alive)})"
        self._list(~dead & ~alive, self.registry.death, known)
        return dead

    def _count(self) -> NDArray[np.int64]:
        if self.registry.count is None:
            return np.ones(len(self.table), dtype=np.int64)
        count = self._numbers(self.registry.count, required=True)
        self._list((count < 1) | (count != np.floor(count)), self.registry.count, "is not a whole number from 1 on")
        return np.where(np.isfinite(count) & (count >= 1), count, 1).astype(np.int64)

    def _repeated_patients(self) -> None:
        if self.registry.patient is None:
            return
        text = self._text(self.registry.patient)
        self._list(self._absent(self.registry.patient), self.registry.patient, "is missing")
        twice = text[self.kept].duplicated(keep=False)
        repeated = np.zeros(len(self.table), dtype=bool)
        repeated[np.flatnonzero(self.kept)[twice.to_numpy()]] = True
        self._list(
            repeated & ~self._absent(self.registry.patient), self.registry.patient, "stands in more than one row"
        )

    def _stratum(self) -> NDArray[np.object_]:
        if len(self.specification.strata) == 1:
            return np.full(len(self.table), self.specification.strata[0], dtype=object)
        form = self.specification.stratum_form
        codes = self._codes(form, np.ones(len(self.table), dtype=bool))
        self._list(self._absent(form.column or form.name), form.column or form.name, "is missing")
        return np.where(pd.isna(codes), "", codes)

    def _used(self, form: FeatureForm, stratum: NDArray[np.object_]) -> Mask:
        return np.ones(len(stratum), dtype=bool) if form.strata is None else np.isin(stratum.astype(str), form.strata)

    def _answers(self, form: FeatureForm, stratum: NDArray[np.object_]) -> NDArray[np.object_] | Array:
        used = self._used(form, stratum)
        if form.levels:
            return self._codes(form, used)
        column, hard = form.column or form.name, form.hard
        kept, self.kept = self.kept, self.kept & used
        numbers = self._numbers(column, required=False) * form.scale
        if hard is not None:
            allowed = Range(hard.low, hard.high, hard.low_open, hard.high_open)
            outside = (numbers <= hard.low if hard.low_open else numbers < hard.low) | (
                numbers >= hard.high if hard.high_open else numbers > hard.high
            )
            self._list(outside, column, f"is outside {allowed.low:g} to {allowed.high:g}")
        self.kept = kept
        return np.where(used, numbers, np.nan)

    def _codes(self, form: FeatureForm, used: Mask) -> NDArray[np.object_]:
        column = form.column or form.name
        meaning = {code: level.code for level in form.levels for code in (level.codes or [level.code])}
        codes = _normalised(self._text(column)).map(meaning)
        allowed = ", ".join(meaning)
        self._list(codes.isna().to_numpy() & ~self._absent(column) & used, column, f"is not one of {allowed}")
        return codes.where(used).to_numpy(dtype=object)

    def _zero_times(self, time: Array) -> Array:
        zero = (time == 0) & self.kept
        policy = self.registry.zero_times
        if policy == "refuse" and zero.any():
            rows = ", ".join(str(row) for row in self.table.index[zero][:MOST_LISTED])
            message = f"{int(zero.sum())} rows have a time of zero (row {rows}), and the specification refuses them."
            raise ImpossibleRegistry(message)
        if policy == "half_a_day_later":
            reason = f"times of zero counted as half a day ({int(zero.sum())} patients)"
            self._exclude(np.zeros(len(time), dtype=bool), reason)
            return np.where(zero, HALF_A_DAY, time)
        self._exclude(zero, "time of zero")
        return time

    def _eligible(self, rule: EligibleForm) -> Mask:
        if rule.one_of is not None:
            return _normalised(self._text(rule.column)).isin(rule.one_of).to_numpy(dtype=bool)
        numbers = self._numbers(rule.column, required=True)
        low = -np.inf if rule.at_least is None else rule.at_least
        high = np.inf if rule.at_most is None else rule.at_most
        # What is no number has been listed as impossible; it is not left out twice.
        return np.isnan(numbers) | ((numbers >= low) & (numbers <= high))

    def _subgroups(self, answers: dict[str, NDArray[np.object_] | Array], kept: NDArray[np.int64]) -> pd.DataFrame:
        groups = {}
        names = [*([self.registry.centre] if self.registry.centre else []), *self.registry.subgroups]
        for name in dict.fromkeys(names):
            values = pd.Series(answers[name] if name in answers else self._text(name).to_numpy()).iloc[kept]
            named = _thirds(values) if values.dtype == float else values.astype(object)
            groups[name] = named.where(named.notna(), "").to_numpy(dtype=object)
        return pd.DataFrame(groups, index=self.table.index[kept])


def _thirds(values: pd.Series[float]) -> pd.Series[str]:
    bounds = np.unique([float(f"{q:.3g}") for q in values.quantile([1 / 3, 2 / 3])])
    names: list[str] = [
        f"up to {bounds[0]:g}",
        *(f"over {a:g} to {b:g}" for a, b in pairwise(bounds)),
        f"over {bounds[-1]:g}",
    ]
    places = np.searchsorted(bounds, values.to_numpy(), side="left")
    return pd.Series([names[place] if known else "" for place, known in zip(places, values.notna(), strict=True)])


def _normalised(text: pd.Series[str]) -> pd.Series[str]:
    """A number without its trailing ".0", as a code is written."""
    return text.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)
