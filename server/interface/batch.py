"""Many patients at once: each row of a table answered, or its problems listed; no row is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.features import ALIVE_MONTHS, Features
from model.fitted import Model
from model.patient import InvalidPatient
from server.entering.entry import Entry, patient_of
from server.entering.tables import Table, TableRow, UnreadableTable
from server.interface.answer import answer
from server.served import Served
from server.wording.refusing import Reader, problem_sentences

ROW = "row"
TEXTS = ("sentences", "warnings", "problems", "model", "model_version", "model_digest", "receipt_id", "time")
"""The columns of the answered table that hold text; the others hold numbers."""


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """One row with its number (from 1), what it holds, and either its answer or its problems."""

    number: int
    cells: Mapping[str, object]
    answer: Mapping[str, Any] | None
    problems: Mapping[str, str]


def answer_rows(served: Served, table: Table, reader: Reader) -> Iterator[AnsweredRow]:
    """Answer every row in turn."""
    for number, row in enumerate(table.rows, start=1):
        yield _answered(served, number, row, reader)


def columns_of(model: Model, table: Table) -> tuple[str, ...]:
    """The columns of the answered table: the row, what it holds, then everything that is said of it.

    Raises UnreadableTable when an identifier is called as one of the others.
    """
    # The last supported time is a headline time of its own where a patient is past all others.
    horizons = sorted({*model.horizons, *(stratum.last_month for stratum in model.strata.values())})
    limits = [f"survival_{months}{limit}" for months in horizons for limit in ("", "_lower", "_upper")]
    predictors = [feature.name for feature in model.features.predictors]
    said = (
        *limits,
        *("median_months", "worst_tenth_months", "middle_half_from_months", "middle_half_to_months"),
        *("best_tenth_months", "explained_months", "reference_survival"),
        *(f"points_{name}" for name in predictors),
        *(f"{name}_{end}" for name in predictors for end in ("lowest", "highest")),
        *TEXTS,
    )
    taken = [name for name in table.columns if name in (ROW, *said)]
    if taken:
        raise UnreadableTable(sentence="identifier_is_result", columns=taken)
    return (ROW, *table.columns, *said)


def flat_row(row: AnsweredRow, columns: tuple[str, ...]) -> dict[str, object]:
    """One row as cells; what does not apply to it is None."""
    cells: dict[str, object] = dict.fromkeys(columns)
    cells |= {ROW: row.number, **row.cells}
    cells["problems"] = " ".join(row.problems.values()) or None
    if row.answer is not None:
        cells |= _flat_answer(row.answer)
    return cells


def nested_row(row: AnsweredRow, features: Features) -> dict[str, object]:
    """One row as a document: the answer of the interface, or its problems."""
    asked = {feature.name for feature in features.all} | {ALIVE_MONTHS}
    carried = {name: value for name, value in row.cells.items() if name not in asked}
    if row.answer is not None:
        return {ROW: row.number, "identifiers": carried, "answer": row.answer}
    return {ROW: row.number, "identifiers": carried, "problems": row.problems}


def _answered(served: Served, number: int, row: TableRow, reader: Reader) -> AnsweredRow:
    model = served.model
    if row.problem is not None:
        text = served.language.refusals.say(row.problem.code, **row.problem.allowed)
        return AnsweredRow(number, row.cells, None, {ROW: text})
    names = {feature.name for feature in model.features.all}
    values = {name: value for name, value in row.cells.items() if name in names}
    entry = Entry(values, row.cells.get(ALIVE_MONTHS))
    try:
        return AnsweredRow(number, row.cells, answer(served, patient_of(model.features, entry, reader)), {})
    except InvalidPatient as invalid:
        problems = problem_sentences(invalid.problems, model.features, model.about.time_zero, reader)
        return AnsweredRow(number, row.cells, None, problems)


def _flat_answer(answered: Mapping[str, Any]) -> dict[str, object]:
    spans, explanation, receipt = answered["spans"], answered["explanation"], answered["receipt"]
    cells: dict[str, object] = {}
    for at in answered["survival"]:
        name = f"survival_{at['months']}"
        cells |= {name: at["estimate"], f"{name}_lower": at["lower"], f"{name}_upper": at["upper"]}
    for contribution in explanation["contributions"]:
        cells[f"points_{contribution['feature']}"] = contribution["points"]
    for unknown in answered["unknown"]:
        cells[f"{unknown['feature']}_lowest"] = unknown["lowest"]
        cells[f"{unknown['feature']}_highest"] = unknown["highest"]
    begin, end = spans["middle_half_months"]
    return cells | {
        "median_months": spans["median_months"],
        "worst_tenth_months": spans["worst_tenth_months"],
        "middle_half_from_months": begin,
        "middle_half_to_months": end,
        "best_tenth_months": spans["best_tenth_months"],
        "explained_months": explanation["horizon_months"],
        "reference_survival": explanation["reference_survival"],
        "sentences": " ".join([*explanation["sentences"], explanation["statement"]]),
        "warnings": " ".join(warning["text"] for warning in answered["warnings"]) or None,
        "model": receipt["model"]["name"],
        "model_version": receipt["model"]["version"],
        "model_digest": receipt["model"]["digest"],
        "receipt_id": receipt["id"],
        "time": receipt["time"],
    }
