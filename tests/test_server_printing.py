"""Pages printed once and filled: everything that is not a page already is escaped."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, StrictUndefined

from server.pages.printing import Html, joined, preprinted, preprinted_macros

TEMPLATES = {
    "page.html": "<p title='{{ named }}'>{{ standing }} 100 % {{ value }} {{ value }}</p>",
    "parts.html": "{% macro part(about, value) %}<b>{{ about }}: {{ value }}</b>{% endmacro %}"
    "{% macro nothing() %}<hr>{% endmacro %}",
}
ENVIRONMENT = Environment(loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
PAGE = preprinted(ENVIRONMENT.get_template("page.html"), ["named", "value"], standing="<x>")
PARTS = preprinted_macros(ENVIRONMENT, "parts.html", about="&")


@given(st.text())
def test_filling_is_what_jinja_would_print(text: str) -> None:
    """Every value is escaped, a percent sign is none of the format's, and a hole may stand twice."""
    filled = PAGE.fill(named=text, value=text)
    straight = ENVIRONMENT.get_template("page.html").render(named=text, value=text, standing="<x>")
    assert filled.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") == straight


def test_pieces_of_pages_are_left_as_they_are() -> None:
    """Otherwise parts could not be put together."""
    part = PARTS["part"].fill(value="<i>")
    assert part == "<b>&amp;: &lt;i&gt;</b>"
    assert PARTS["part"].fill(value=joined([part, PARTS["nothing"].fill()])) == f"<b>&amp;: {part}<hr></b>"
    assert isinstance(part, Html)


def test_a_dataclass_fills_the_holes_of_its_names() -> None:
    """Fields by name, never by position."""

    @dataclass(frozen=True)
    class Facts:
        other: int
        value: str

    assert PARTS["part"].fill_from(Facts(other=1, value="2")) == "<b>&amp;: 2</b>"


def test_a_hole_that_is_not_filled_is_an_error() -> None:
    """Rather than nothing on the page."""
    with pytest.raises(KeyError):
        PAGE.fill(value="x")
