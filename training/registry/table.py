"""A registry file as a table of text: CSV or Parquet, refused as a whole where it cannot be read for sure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet

HEADER_LINES = 1


class UnreadableRegistry(ValueError):
    """A file is no table that can be read; the message says why and what would be right."""


def read_table(path: Path) -> pd.DataFrame:
    """Every cell as text, "" where nothing stands; the index is the line that a spreadsheet shows (the header is 1).

    Raises UnreadableRegistry.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"{path} is neither .csv nor .parquet."
        raise UnreadableRegistry(message)
    try:
        table = reader(path)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or 'it is damaged or of another kind'}."
        raise UnreadableRegistry(message) from error
    names = [str(name).strip() for name in table.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        what = f"the column names {', '.join(twice)} stand twice" if twice else "a column has no name"
        message = f"{path}: {what} in the header."
        raise UnreadableRegistry(message)
    if table.empty:
        message = f"{path} has a header and no row."
        raise UnreadableRegistry(message)
    table.columns = pd.Index(names)
    table.index = pd.RangeIndex(HEADER_LINES + 1, HEADER_LINES + 1 + len(table))
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    content = path.read_bytes()
    if b"\x00" in content:
        message = f"{path} holds NUL bytes: it is damaged, or in UTF-16; save it as CSV in UTF-8."
        raise UnreadableRegistry(message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"{path}, line {line}: this is no text in UTF-8; save it as CSV in UTF-8."
        raise UnreadableRegistry(message) from error
    header = text.split("\n", maxsplit=1)[0]
    if not header.strip():
        message = f"{path} is empty, or its first line is."
        raise UnreadableRegistry(message)
    separator = max(",;\t", key=header.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        message = f"{path} cannot be read as CSV: {error}."
        raise UnreadableRegistry(message) from error
    while not rows[-1]:
        rows.pop()
    names = rows[0]
    for line, row in enumerate(rows[1:], start=HEADER_LINES + 1):
        if len(row) != len(names):
            what = "more" if len(row) > len(names) else "fewer"
            message = f"{path}, row {line}: it has {what} cells than the header, which has {len(names)}."
            raise UnreadableRegistry(message)
    columns = zip(*rows[1:], strict=True)
    cells = [pd.Series([cell.strip() for cell in column], dtype=object) for column in columns]
    table = pd.concat(cells, axis=1) if cells else pd.DataFrame(columns=range(len(names)))
    table.columns = pd.Index(names)
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        content = parquet.read_table(path)
    except pa.ArrowException as error:
        message = f"{path} cannot be read as Parquet: it is damaged or of another kind."
        raise UnreadableRegistry(message) from error
    columns = [_text_of(content.column(place)) for place in range(content.num_columns)]
    table = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    table.columns = pd.Index(content.column_names)
    return table


def _text_of(column: pa.ChunkedArray) -> pd.Series[str]:
    """A typed column as people would type it: 1.0 is 1, true is 1, null is nothing."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    shown = [_written(value) for value in column.to_pylist()]
    return pd.Series(shown, dtype=object)


def _written(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is what differs from itself
        return ""
    if isinstance(value, float):
        return f"{value:.17g}"
    return str(value)
