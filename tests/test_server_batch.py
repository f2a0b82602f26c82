"""Tables as such: what is read, what is refused, what becomes of a row."""

from __future__ import annotations

import pytest

from model.artefact import Artefact
from server.entering.tables import Table, TableRow, UnreadableTable, read_csv, written_csv
from server.interface.batch import answer_rows, columns_of, flat_row
from server.served import prepare
from server.wording.language import english
from server.wording.refusing import of_table
from tests.web import another_artefact


def test_cells_are_text_and_empty_ones_are_not_given() -> None:
    """DESIGN §6: empty means not given; nothing is turned into a number on the way."""
    table = read_csv('a,b,c\n007," ",\n"x, ""y""",1e3,é\n')
    assert [dict(row.cells) for row in table.rows] == [
        {"a": "007", "b": None, "c": None},
        {"a": 'x, "y"', "b": "1e3", "c": "é"},
    ]


def test_a_ragged_row_keeps_what_it_has() -> None:
    """E18: nothing lost; and nothing guessed about which cell belongs where."""
    (row,) = read_csv("a,b\n1\n").rows
    assert row.problem is not None
    assert row.problem.code == "ragged"
    assert row.cells == {"a": "1"}


@pytest.mark.parametrize("text", ["", "\n\n", "a,a\n1,2\n", 'a\n"1\n', 'a\n"1"2\n'])
def test_what_is_no_table_is_refused(text: str) -> None:
    """With a message, and not with half of the rows."""
    with pytest.raises(UnreadableTable):
        read_csv(text)


def test_what_is_written_can_be_read_back() -> None:
    """Commas, quotation marks and line ends within a sentence survive."""
    rows: list[dict[str, object]] = [{"a": 'one, "two"\nthree', "b": None}, {"a": "", "b": 0.1}]
    read = read_csv(written_csv(["a", "b"], rows)).rows
    assert [row.cells for row in read] == [{"a": 'one, "two"\nthree', "b": None}, {"a": None, "b": "0.1"}]


def test_the_columns_are_those_of_the_model() -> None:
    """DESIGN §4: batch columns come from the features and horizons, whatever they are."""
    served = prepare(another_artefact(), english())
    cells = {"kind": "invented", "size": "unknown", "grade": "g2", "site": "there", "alive_months": "12"}
    table = Table(tuple(cells), (TableRow(cells),))
    columns = columns_of(served.model, table)
    for name in ("points_size", "grade_lowest", "survival_13", "survival_60_upper"):
        assert name in columns
    (row,) = answer_rows(served, table, of_table(english()))
    flat = flat_row(row, columns)
    assert tuple(flat) == columns
    assert flat["survival_13"] is not None
    assert flat["survival_12"] is None
    assert flat["size_lowest"] is not None


def test_each_row_has_a_receipt_of_its_own(artefact: Artefact) -> None:
    """DESIGN §6."""
    table = Table(("pattern",), (TableRow({"pattern": "both"}),) * 2)
    answers = [row.answer for row in answer_rows(prepare(artefact, english()), table, of_table(english()))]
    assert all(answers)
    assert len({str(answer["receipt"]["id"]) for answer in answers if answer is not None}) == 2
