"""Numbers of a patient: what is read as one, in JSON and in text, and which are refused (E18)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import Range
from model.patient import NotANumber, Patient, number_from_json, number_from_text
from tests.invented import small_model
from tests.test_model_patient import codes, problems

FEATURES = small_model().features
LOCAL = {"pattern": "local", "interval_months": 24, "resection": "yes"}
DISTANT = {"pattern": "distant", "interval_months": 24, "subtype": "lms"}

# E18: every number, in both ways of writing it.

NO_NUMBER_ANYWHERE = [
    pytest.param("", id="empty"),
    pytest.param(" ", id="blank"),
    pytest.param("\t\n", id="white space"),
    pytest.param("abc", id="text"),
    pytest.param("twelve", id="a word"),
    pytest.param("NaN", id="NaN as text"),
    pytest.param("nan", id="nan as text"),
    pytest.param("inf", id="inf as text"),
    pytest.param("-Infinity", id="infinity as text"),
    pytest.param("1e9", id="1e9 as text"),
    pytest.param("1e3", id="exponent"),
    pytest.param("1_0", id="underscore"),
    pytest.param("7,5", id="decimal comma"),
    pytest.param("1,000", id="thousands"),
    pytest.param("0x10", id="hexadecimal"),
    pytest.param("١٢", id="Arabic digits"),
    pytest.param("１２", id="full-width digits"),  # noqa: RUF001
    pytest.param("½", id="a fraction"),
    pytest.param("12²", id="a power"),
    pytest.param("1 2", id="a space inside"),
    pytest.param("12 months", id="a unit"),
    pytest.param("1.2.3", id="two points"),
    pytest.param("1.", id="a point at the end"),
    pytest.param(".5", id="a point at the start"),
    pytest.param("--5", id="two signs"),
    pytest.param("−5", id="a minus sign that is none"),
    pytest.param("12\x00", id="a zero byte"),
    pytest.param("1" * 10_000, id="ten thousand digits"),
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param([], id="empty list"),
    pytest.param([12], id="list"),
    pytest.param({}, id="empty object"),
    pytest.param({"value": 12}, id="object"),
    pytest.param(b"12", id="bytes"),
    pytest.param(12 + 0j, id="complex"),
]
NO_JSON_NUMBER = [*NO_NUMBER_ANYWHERE, pytest.param("12", id="12 as text"), pytest.param("+5", id="+5 as text")]
NO_TEXT_NUMBER = [*NO_NUMBER_ANYWHERE, pytest.param(12, id="12 as a number"), pytest.param(7.5, id="7.5 as a number")]


@pytest.mark.parametrize("given", NO_JSON_NUMBER)
def test_in_json_only_a_number_is_a_number(given: object) -> None:
    """E18: text, blank and truth values are refused, and so is "7,5"; for each number of the model."""
    with pytest.raises(NotANumber):
        number_from_json(given)
    found = problems({**LOCAL, "interval_months": given}, given)
    assert {name: problem.code for name, problem in found.items()} == {
        "interval_months": "not_a_number",
        "alive_months": "not_a_number",
    }
    assert found["interval_months"].given is given
    assert found["interval_months"].allowed["range"] == Range(0, 240, low_open=True)
    assert found["alive_months"].allowed["range"] == Range(0, 60, high_open=True)


@pytest.mark.parametrize("given", NO_TEXT_NUMBER)
def test_in_text_only_plain_digits_are_a_number(given: object) -> None:
    """E18: what a form or a batch file gives is refused rather than guessed at."""
    with pytest.raises(NotANumber):
        number_from_text(given)
    assert codes({**LOCAL, "interval_months": given}, given, number_from_text) == {
        "interval_months": "not_a_number",
        "alive_months": "not_a_number",
    }


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("24", 24.0),
        (" 24 ", 24.0),
        ("+5", 5.0),
        ("7.5", 7.5),
        ("007", 7.0),
        ("7.50", 7.5),
        ("-0", 0.0),
        ("-5", -5.0),
        ("1000000000", 1e9),
        ("100000000000000000000", 1e20),
        # Shortest texts of floats, as a program writes them into a batch file: more than 15 decimals are common.
        ("0.6570841889117043", 0.6570841889117043),
        ("1.3333333333333333", 1.3333333333333333),
        ("0.30000000000000004", 0.30000000000000004),
    ],
)
def test_plain_digits_are_read_to_the_last_one(given: str, number: float) -> None:
    """A sign, a decimal point and spaces around are how people write numbers."""
    assert number_from_text(given) == number


@given(st.floats(0.001, 1e9))
def test_what_a_program_writes_as_digits_is_read_as_the_same_number(number: float) -> None:
    """Form, batch and JSON give the same prediction for the same number (issue, point 5)."""
    text = repr(number)
    assert number_from_text(text) == number == number_from_json(number)


@pytest.mark.parametrize("number", [24, 24.0, 0.5, 240, 10**6, -3])
def test_a_json_number_is_taken_as_it_is(number: float) -> None:
    """Whole or not, as a float."""
    read = number_from_json(number)
    assert isinstance(read, float)
    assert read == number


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (math.nan, "not_finite"),
        (math.inf, "not_finite"),
        (-math.inf, "not_finite"),
        (10**400, "not_finite"),
        (-(10**400), "not_finite"),
        (1e9, "too_high"),
        (1e308, "too_high"),
        (10**20, "too_high"),
        (240.00000000000003, "too_high"),
        (241, "too_high"),
        (0, "too_low"),
        (0.0, "too_low"),
        (-0.0, "too_low"),
        (-1e-9, "too_low"),
        (-5, "too_low"),
        (-1e9, "too_low"),
    ],
)
def test_a_number_outside_the_hard_range_is_refused_with_the_range(given: float, code: str) -> None:
    """E18: hard limits refuse, naming the allowed range; nothing is rewritten to the limit (mistake 10)."""
    found = problems({**LOCAL, "interval_months": given})
    assert list(found) == ["interval_months"]
    assert found["interval_months"].code == code
    assert found["interval_months"].allowed["range"] == Range(0, 240, low_open=True)
    if code != "not_finite":
        assert found["interval_months"].given == given


@pytest.mark.parametrize(
    ("text", "code"), [("0", "too_low"), ("-0", "too_low"), ("-5", "too_low"), ("240.01", "too_high")]
)
def test_text_outside_the_hard_range_is_refused_alike(text: str, code: str) -> None:
    """E18, in the form and in a batch file."""
    assert codes({**LOCAL, "interval_months": text}, read_number=number_from_text) == {"interval_months": code}


@pytest.mark.parametrize("given", [240, 240.0, 239.99999999999997, 0.001, 5e-324, 1, 24.5])
def test_a_number_in_the_hard_range_is_kept_to_the_last_bit(given: float) -> None:
    """E18 and mistake 10: nothing is clamped or rounded, to the very bound of the range."""
    patient = Patient.parse(FEATURES, {**LOCAL, "interval_months": given})
    assert patient.values["interval_months"] == given
    assert isinstance(patient.values["interval_months"], float)


# The time known to be alive: whole months before the last supported one.


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (-1, "too_low"),
        (-0.5, "too_low"),
        (60, "too_high"),
        (60.0, "too_high"),
        (59.5, "not_whole"),
        (0.5, "not_whole"),
        (1e9, "too_high"),
        (math.nan, "not_finite"),
        (math.inf, "not_finite"),
        (10**400, "not_finite"),
        ("unknown", "not_a_number"),
    ],
)
def test_the_time_alive_is_whole_and_before_the_last_supported_month(given: object, code: str) -> None:
    """DESIGN §6: 0 ≤ s < last supported time; a time between two months is refused and not rounded."""
    found = problems(LOCAL, given)
    assert list(found) == ["alive_months"]
    assert found["alive_months"].code == code
    assert found["alive_months"].allowed == {"range": Range(0, 60, high_open=True), "unknown": False}


@pytest.mark.parametrize(("given", "months"), [(None, 0), (0, 0), (-0.0, 0), (12, 12), (12.0, 12), (59, 59)])
def test_the_time_alive_is_zero_unless_given(given: object, months: int) -> None:
    """DESIGN §6: the last two members of a request are optional."""
    patient = Patient.parse(FEATURES, LOCAL, alive_months=given)
    assert patient.alive_months == months
    assert isinstance(patient.alive_months, int)


def test_the_time_alive_is_held_against_the_support_of_the_own_stratum() -> None:
    """Each stratum has its own last supported month; without a stratum, only what no stratum supports is refused."""
    features = replace(FEATURES, support_months={"local": 60, "distant": 24, "both": 12})
    assert codes(DISTANT, 24, features=features) == {"alive_months": "too_high"}
    assert Patient.parse(features, LOCAL, alive_months=24).alive_months == 24
    assert codes({}, 59, features=features) == {"pattern": "missing"}
    assert codes({}, 60, features=features) == {"pattern": "missing", "alive_months": "too_high"}
