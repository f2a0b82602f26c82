"""Tables of patients: one row each, read as text and written as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.features import ALIVE_MONTHS, Features
from model.patient import Problem
from server.wording.refusing import Unreadable


class UnreadableTable(Unreadable):
    """A file is not a table of patients."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row by column; ``problem`` when its cells cannot be told apart."""

    cells: Mapping[str, object]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a file and its rows, in their order."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


def read_csv(text: str) -> Table:
    """A table in comma-separated values; an empty cell is not given. Raises UnreadableTable.

    Lines without any character are between the rows and no rows. A row with too few or too many cells is kept, with
    its problem.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise UnreadableTable(sentence="unreadable_csv", line=reader.line_num, reason=str(error)) from error
    if not lines:
        raise UnreadableTable(sentence="empty_table")
    columns = tuple(name.strip() for name in lines[0])
    repeated = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if repeated:
        raise UnreadableTable(sentence="repeated_columns", columns=repeated)
    return Table(columns, tuple(_row(columns, cells) for cells in lines[1:]))


def check_columns(table: Table, features: Features, identifiers: Sequence[str]) -> None:
    """Raise UnreadableTable unless every column is a feature, the months alive or a named identifier."""
    fields = [feature.name for feature in features.all] + [ALIVE_MONTHS]
    missing = [name for name in identifiers if name not in table.columns]
    if missing:
        raise UnreadableTable(sentence="missing_identifiers", columns=missing)
    both = [name for name in identifiers if name in fields]
    if both:
        raise UnreadableTable(sentence="identifier_is_field", columns=both)
    strangers = [name for name in table.columns if name not in fields and name not in identifiers]
    if strangers:
        raise UnreadableTable(sentence="unknown_columns", columns=strangers, fields=fields)


def written_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as comma-separated values; None is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _row(columns: Sequence[str], cells: Sequence[str]) -> TableRow:
    if len(cells) != len(columns):
        found = {"found": len(cells), "expected": len(columns)}
        return TableRow(dict(zip(columns, cells, strict=False)), Problem("ragged", allowed=found))
    return TableRow({name: cell if cell.strip() else None for name, cell in zip(columns, cells, strict=True)})
