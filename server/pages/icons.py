"""A picture of 100 people: squares for those alive, open circles for the others, ten in a row."""

from __future__ import annotations

from functools import cache

ROW = 10
PEOPLE = 100


@cache
def squares(alive: int) -> str:
    """The path of the squares, one for each of ``alive`` people."""
    return "".join(f"M{x + 1} {y + 1}h8v8h-8z" for x, y in _places(0, alive))


@cache
def circles(alive: int) -> str:
    """The path of the circles, one for each person who is not among ``alive``."""
    return "".join(f"M{x + 2} {y + 5}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z" for x, y in _places(alive, PEOPLE))


def _places(begin: int, end: int) -> list[tuple[int, int]]:
    return [(ROW * (number % ROW), ROW * (number // ROW)) for number in range(begin, end)]
