"""Where in a TOML text a key stands, so that a problem can be found where it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line (from 1) of the key at this path; of the nearest table around it where the key is not there."""
    places = _places(text)
    for length in range(len(path), 0, -1):
        found = places.get(tuple(path[:length]))
        if found is not None:
            return found
    return 1


def _places(text: str) -> dict[Path, int]:
    """The line of every header and every key that begins a line."""
    places: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quoted = False
    for number, line in enumerate(text.splitlines(), start=1):
        inside, quoted = quoted, quoted ^ (line.count('"""') % 2 == 1)
        if inside:
            continue
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _table(header[2], counts, repeated=header[1] == "[[")
            places.setdefault(table, number)
        elif key:
            places.setdefault((*table, *_parts(key[1])), number)
    return places


def _table(name: str, counts: dict[Path, int], *, repeated: bool) -> Path:
    """The path of a header, with the number of each repeated table that it lies in."""
    path: Path = ()
    parts = _parts(name)
    for position, part in enumerate(parts):
        path = (*path, part)
        last = position == len(parts) - 1
        if last and repeated:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]
