"""Tables as plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys below each other; a column for each key."""
    header = list(rows[0])
    cells = [[name.replace("_", " ") for name in header], *([_cell(row[name]) for name in header] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def _cell(value: object) -> str:
    if value is None:
        return "none"
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)
