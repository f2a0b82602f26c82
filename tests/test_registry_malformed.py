"""Malformed registries and specifications: a clear error or a listed row, never a guess, nor another value of a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from rps_prognosis import main
from tests.registries import SPECIFICATION, registry, write_registry, write_specification
from training.registry.reading import ImpossibleRegistry, check_for_fitting, read_registry
from training.registry.specification import Specification, WrongSpecification, read_specification
from training.registry.table import UnreadableRegistry

Change = Callable[[pd.DataFrame], pd.DataFrame]


def changed(old: str, new: str) -> Specification:
    """The specification with one thing changed."""
    assert old in SPECIFICATION
    return read_specification(SPECIFICATION.replace(old, new))


def cell(row: int, column: str, value: Any) -> Change:  # noqa: ANN401 - whatever a cell may hold
    """Another value in one cell; rows as a spreadsheet numbers them."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        place = list(table.columns).index(column)
        table = table.astype(object)
        table.iloc[row - 2, place] = value
        return table

    return change


IMPOSSIBLE = [
    ("days", "-3", "is negative"),
    ("days", "", "is missing"),
    ("days", "NA", "is missing"),
    ("days", "soon", "is not a number"),
    ("days", "1,5", "is not a number"),
    ("days", "1_000", "is not a number"),
    ("days", "0x10", "is not a number"),
    ("days", "inf", "is not a number"),
    ("days", "nan", "is not a number"),
    ("days", "1e999", "is not a number"),
    ("event", "2", "is neither dead (1) nor alive (0)"),
    ("event", "", "is neither dead (1) nor alive (0)"),
    ("event", "yes", "is neither dead (1) nor alive (0)"),
    ("pnodes", "0", "is outside 1 to 60"),
    ("pnodes", "61", "is outside 1 to 60"),
    ("pnodes", "many", "is not a number"),
    ("tgrade", "IV", "is not one of I, II, III"),
    ("tgrade", "i", "is not one of I, II, III"),
    ("age", "old", "is not a number"),
    ("age", "", "is missing"),
    ("id", "", "is missing"),
    ("event", "x" * 80, "is neither dead"),
]


@pytest.mark.parametrize(("column", "value", "reason"), IMPOSSIBLE)
def test_an_impossible_value_is_listed_by_row_and_left_out(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    """The row, the column, what stands there and why; the row is counted in the flow and is not repaired."""
    cohort = read_registry(write_registry(tmp_path, cell(7, column, value)), read_specification(SPECIFICATION))
    (listed,) = cohort.impossible
    assert (listed.row, listed.column) == (7, column)
    assert listed.reason.startswith(reason)
    assert listed.value == (value if len(value) <= 40 else value[:40] + "…")
    assert len(cohort.time) == 685
    assert 7 not in cohort.patients.index
    assert [step.excluded for step in cohort.flow if "impossible" in step.reason] == [1]


@pytest.mark.parametrize(("column", "value", "reason"), IMPOSSIBLE[:14])
def test_an_impossible_value_is_fatal_where_that_is_asked(tmp_path: Path, column: str, value: str, reason: str) -> None:
    """The message names row, value and reason, and nothing else of the row."""
    file = write_registry(tmp_path, cell(7, column, value))
    with pytest.raises(ImpossibleRegistry) as refused:
        read_registry(file, changed('impossible = "exclude"', 'impossible = "refuse"'))
    message = str(refused.value)
    assert f"row 7: {column} {value!r} {reason}" in message
    assert len(message.splitlines()) == 2


def test_every_problem_of_a_row_is_listed_and_the_row_counts_once(tmp_path: Path) -> None:
    """Two wrong cells of one row are two lines and one exclusion."""
    file = write_registry(tmp_path, lambda table: cell(9, "days", "-1")(cell(9, "tgrade", "V")(table)))
    cohort = read_registry(file, read_specification(SPECIFICATION))
    assert [(one.row, one.column) for one in cohort.impossible] == [(9, "days"), (9, "tgrade")]
    assert len(cohort.time) == 685


def test_a_patient_twice_loses_both_rows(tmp_path: Path) -> None:
    """Nobody can know which one is right."""
    cohort = read_registry(write_registry(tmp_path, cell(5, "id", 1)), read_specification(SPECIFICATION))
    assert [(one.row, one.value) for one in cohort.impossible] == [(2, "1"), (5, "1")]
    assert len(cohort.time) == 684


def test_only_the_first_twenty_are_told(tmp_path: Path) -> None:
    """A registry that is wrong throughout does not fill the screen."""
    file = write_registry(tmp_path, lambda table: table.assign(event="?"))
    with pytest.raises(ImpossibleRegistry, match="and 666 more"):
        read_registry(file, changed('impossible = "exclude"', 'impossible = "refuse"'))


@pytest.mark.parametrize(
    ("policy", "left", "first"),
    [("exclude", 685, None), ("half_a_day_later", 686, 0.5 / 30.4375), ("refuse", None, None)],
)
def test_times_of_zero_are_a_stated_policy(tmp_path: Path, policy: str, left: int | None, first: float | None) -> None:
    """Left out, counted as half a day, or refused: as the specification says, and the flow says which."""
    file = write_registry(tmp_path, cell(2, "days", 0))
    specification = changed('zero_times = "exclude"', f'zero_times = "{policy}"')
    if left is None:
        with pytest.raises(ImpossibleRegistry, match="1 rows have a time of zero"):
            read_registry(file, specification)
        return
    cohort = read_registry(file, specification)
    assert len(cohort.time) == left
    if first is not None:
        assert cohort.time[0] == pytest.approx(first)
        assert any("half a day (1 patients)" in step.reason for step in cohort.flow)


def test_exclusions_are_counted_one_after_the_other(tmp_path: Path) -> None:
    """Eligibility, impossible values, zero times, what is not recorded: each step with what is left."""
    file = write_registry(
        tmp_path,
        lambda table: cell(2, "age", 15)(cell(3, "age", 12)(cell(4, "pnodes", "")(cell(5, "days", 0)(table)))),
    )
    cohort = read_registry(file, read_specification(SPECIFICATION))
    assert [(step.reason, step.excluded, step.remaining) for step in cohort.flow] == [
        ("rows in the file", 0, 686),
        ("under 18", 2, 684),
        ("impossible values, listed by row", 0, 684),
        ("time of zero", 1, 683),
        ("Positive nodes is not recorded", 1, 682),
    ]
    assert cohort.patients["grade"].isna().any()


def test_a_row_may_stand_for_several_patients_and_enter_late(tmp_path: Path) -> None:
    """A count repeats a row; an entry that is not before the end is impossible."""
    specification = changed('death = "event"', 'death = "event"\ncount = "n"\nentry = "seen"')
    file = write_registry(tmp_path, lambda table: table.assign(n=2, seen=table["days"] // 2))
    cohort = read_registry(file, specification)
    assert len(cohort.time) == 2 * 686
    assert cohort.entry is not None
    assert (cohort.entry < cohort.time).all()
    late = write_registry(tmp_path, lambda table: cell(4, "seen", 99999)(table.assign(n=1, seen=0)))
    assert [one.reason for one in read_registry(late, specification).impossible] == ["is not before the end"]
    half = write_registry(tmp_path, lambda table: cell(4, "n", 1.5)(table.assign(n=1, seen=0)))
    assert [one.row for one in read_registry(half, specification).impossible] == [4]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    """Typed columns give the same cohort as their text."""
    table = registry()
    table.loc[3, "tgrade"] = None
    path = tmp_path / "registry.parquet"
    table.assign(days=table["days"].astype(float)).to_parquet(path)
    specification = read_specification(SPECIFICATION)
    one = read_registry(path, specification)
    other = read_registry(write_registry(tmp_path), specification)
    pd.testing.assert_frame_equal(one.patients.drop(index=5), other.patients.drop(index=5))
    assert (one.time == other.time).all()


FILES: list[tuple[str, bytes, str]] = [
    ("a.csv", b"", "is empty"),
    ("a.csv", b"\n1,2\n", "is empty, or its first line is"),
    ("a.csv", b"id,days,event,age,pnodes,tgrade,hospital\n", "has a header and no row"),
    ("a.csv", b"id,days\n1,\xff\n", "line 2: this is no text in UTF-8"),
    ("a.csv", "id,days\n1,2\n".encode("utf-16"), "NUL bytes"),
    ("a.csv", b"id,days\n1,2,3\n", "row 2: it has more cells than the header"),
    ("a.csv", b"id,days,event\n1,2,3\n4,5\n6,7,8\n", "row 3: it has fewer cells than the header"),
    ("a.csv", b"id,days,days\n1,2,3\n", "the column names days stand twice"),
    ("a.csv", b"id,,days\n1,2,3\n", "a column has no name"),
    ("a.csv", b'id,days\n1,"2\n3,4\n', "cannot be read as CSV: unexpected end of data"),
    ("a.csv", b"id;days;event\n1;2;3\n", "has no column hospital, age, pnodes, tgrade"),
    ("a.csv", b"ID,day,event,age,pnodes,tgrade,hospital\n1,2,0,40,3,I,x\n", r"days \(is day meant\?\)"),
    ("a.xlsx", b"PK", "is neither .csv nor .parquet"),
    ("a.parquet", b"PAR1 no", "cannot be read as Parquet"),
    (
        "a.csv",
        b"id,days,event,age,pnodes,tgrade,hospital\n1,2,0,4,3,I,x\n",
        "no patient is left. Of 1 rows: 1 under 18",
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), FILES)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Also on the command line: exit code 1, no model, no traceback."""
    (tmp_path / name).write_bytes(content)
    specification = write_specification(tmp_path)
    with pytest.raises(UnreadableRegistry, match=message):
        read_registry(tmp_path / name, read_specification(SPECIFICATION))
    done = CliRunner().invoke(
        main,
        [
            *("train", "--registry", str(tmp_path / name), "--spec", str(specification)),
            *("--output", str(tmp_path / "model")),
        ],
    )
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "Traceback" not in done.output
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.assign(event=0), "stratum all has fewer than 2 deaths"),
        (
            lambda table: table.assign(days=table["days"] // 10 + 1),
            "nobody of stratum all was followed for support_months, 60",
        ),
        (lambda table: table.assign(tgrade="I"), "no patient of stratum all has grade = g2 or g3"),
        (lambda table: table.assign(pnodes=4), "nodes is the same for all patients of stratum all"),
    ],
)
def test_what_cannot_be_fitted_says_why(tmp_path: Path, change: Change, message: str) -> None:
    """Too few deaths, too short a follow-up, a level that nobody has."""
    cohort = read_registry(write_registry(tmp_path, change), read_specification(SPECIFICATION))
    with pytest.raises(UnreadableRegistry, match=message):
        check_for_fitting(cohort)


WRONG = [
    ('name = "gbsg2"', 'name = "Gbsg 2"', "name string should match pattern"),
    ('title = "Rec', 'titel = "Rec', "titel is not a key that is known here; is title meant?"),
    ("horizons_months = [12, 24, 36, 60]", "horizons_months = [24, 12, 36]", "horizons_months must rise"),
    (
        "horizons_months = [12, 24, 36, 60]",
        "horizons_months = [12, 36, 72]",
        "horizons_months go beyond support_months",
    ),
    ("headline_months = 36", "headline_months = 35", "headline_months must be one of the horizons"),
    ("headline_months = 36", 'headline_months = "36"', "headline_months input should be a valid integer"),
    ("headline_months = 36\n", "", "headline_months is missing"),
    ("support_months = 60", "support_months = 0", "support_months input should be greater than or equal to 2"),
    ('name = "nodes"', 'name = "alive_months"', "'alive_months' is taken already"),
    ('name = "nodes"', 'name = "grade"', "'grade' is taken already"),
    ("low = 1, high", "low = 0, high", "hard must be above 0 for a logarithm"),
    ("low = 1, high = 60", "low = 60, high = 1", "low 60 must be below high 1"),
    ("low = 1, high = 60", "low = 1, high = inf", "finite"),
    ("reference = 3.0", "reference = 99.0", "reference must be a number in the hard range"),
    ('reference = "g2"', 'reference = "g4"', "reference must be one of the levels' codes"),
    (
        'transformation = "log"',
        'transformation = "square"',
        "transformation input should be 'identity', 'log' or 'rcs'",
    ),
    ('transformation = "log"\n', "", "transformation must be given for a number"),
    ('transformation = "log"', 'transformation = "rcs"', "knots belong to the transformation rcs"),
    ('transformation = "log"', 'transformation = "rcs"\nknots = [2, 3]', "knots must be three or more"),
    ('transformation = "log"', 'transformation = "rcs"\nknots = [2, 9, 4]', "knots must be three or more, rising"),
    (
        'transformation = "log"',
        'transformation = "log"\nsegments_months = [60]',
        "segments_months must be rising months",
    ),
    ('unit = "nodes"\n', "", "unit must be given for a number"),
    ('unknown = "Not known"\n', "", "unknown and unknown_handling must be given together"),
    ('code = "g3"', 'code = "g1"', "'g1' is taken already"),
    ('code = "g3"', 'code = "unknown"', "'unknown' is taken already, or means not known"),
    ('codes = ["III"]', 'codes = ["II"]', "'II' stands for another level already"),
    ('codes = ["III"]', "codes = []", "codes list should have at least 1 item"),
    ('zero_times = "exclude"\n', "", "zero_times is missing"),
    ('zero_times = "exclude"', 'zero_times = "drop"', "zero_times input should be 'exclude', 'half_a_day_later' or"),
    ('time_unit = "days"', 'time_unit = "d"', "time_unit input should be 'days', 'weeks', 'months' or 'years'"),
    ('death = "event"', 'death = "event"\ndead = ["0"]', "dead and alive both have '0'"),
    ("at_least = 18\n", "", "needs at_least or at_most, or else one_of"),
    ("imputations = 3", "imputations = 1", "imputations input should be greater than or equal to 2"),
    ("imputations = 3", 'imputations = 3\nridge = "some"', "ridge"),
    ("imputations = 3", "imputations = 3\nselection_p = 2", "selection_p input should be less than 1"),
    ('[population]\nlabel = "Patients"\n', "[population]\n", "population.label is missing"),
    ('not_for = ["', 'not_for = "', "not TOML"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_a_wrong_specification_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    """Every problem by line and key, and what would be right."""
    with pytest.raises(WrongSpecification) as refused:
        changed(old, new)
    said = str(refused.value)
    assert message in said
    assert "line " in said


def test_all_problems_come_at_once_and_each_on_its_line() -> None:
    """Three mistakes are three lines of the message, at the lines of the text."""
    text = SPECIFICATION.replace("reference = 3.0", "reference = 99.0").replace('unit = "nodes"\n', "")
    text = text.replace("headline_months = 36", "headline_months = 35")
    with pytest.raises(WrongSpecification) as refused:
        read_specification(text, "my.toml")
    lines = str(refused.value).splitlines()
    assert len(lines) == 3
    rows = text.splitlines()
    assert lines[0].startswith(f"my.toml, line {rows.index('headline_months = 35') + 1}: headline_months ")
    assert f"my.toml, line {rows.index('reference = 99.0') + 1}: features.0.reference" in str(refused.value)


def test_a_specification_must_fit_the_model(tmp_path: Path) -> None:
    """A registry in other units or codes than the model's cannot be held against it."""
    file, spec = write_registry(tmp_path), write_specification(tmp_path)
    done = CliRunner().invoke(
        main, ["train", "--registry", str(file), "--spec", str(spec), "--output", str(tmp_path / "own")]
    )
    assert done.exit_code == 0, done.output
    other = SPECIFICATION.replace('unit = "nodes"', 'unit = "dozens"').replace('code = "g1"', 'code = "low"')
    wrong = write_specification(tmp_path / "wrong", other)
    for command in ("validate", "recalibrate"):
        refused = CliRunner().invoke(
            main,
            [
                *(command, "--model", str(tmp_path / "own"), "--registry", str(file)),
                *("--spec", str(wrong), "--output", str(tmp_path / "out")),
            ],
        )
        assert refused.exit_code == 1
        assert "nodes is in nodes in the model; the levels of grade are g1, g2, g3 in the model" in refused.output
        assert not (tmp_path / "out").exists()
