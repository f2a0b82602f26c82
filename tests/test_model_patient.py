"""From raw values to a patient: nothing is clamped, guessed or defaulted, and every problem is named at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import UNKNOWN, Features, Range
from model.patient import InvalidPatient, NotANumber, Patient, Problem, ReadNumber, number_from_json, number_from_text
from tests.invented import FEATURES as INVENTED
from tests.invented import small_model, valid_inputs

FEATURES = small_model().features
LOCAL = {"pattern": "local", "interval_months": 24, "resection": "yes"}
DISTANT = {"pattern": "distant", "interval_months": 24, "subtype": "lms"}


def problems(
    values: Mapping[str, object],
    alive_months: object = None,
    read_number: ReadNumber = number_from_json,
    features: Features = FEATURES,
) -> dict[str, Problem]:
    """What is wrong with these values; a patient made of them is a failure."""
    with pytest.raises(InvalidPatient) as refused:
        Patient.parse(features, values, alive_months=alive_months, read_number=read_number)
    return refused.value.problems


def codes(*args: Any, **kwargs: Any) -> dict[str, str]:  # noqa: ANN401
    return {name: problem.code for name, problem in problems(*args, **kwargs).items()}


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


# Levels, unknowns, and what does not belong.


NO_LEVEL = ["Yes", "YES", "yes ", "y", "1", "Yes, resected", "ja", "", "ddlps", 1, True, ["yes"], {"yes": 1}, 0]


@pytest.mark.parametrize("given", NO_LEVEL, ids=repr)
def test_a_level_is_its_code_and_nothing_like_it(given: object) -> None:
    """E19: never a label, a position or another spelling; the codes are named (mistakes 1, 2 and 4)."""
    found = problems({**LOCAL, "resection": given})
    assert list(found) == ["resection"]
    assert found["resection"].code == "not_a_level"
    assert found["resection"].given is given
    assert found["resection"].allowed["codes"] == ["yes", "no", "unknown"]


@pytest.mark.parametrize("features", [FEATURES, INVENTED], ids=["default", "invented"])
def test_every_code_comes_back_as_itself(features: Features) -> None:
    """E19: codes round-trip by identifier."""
    for stratum in features.stratum.levels:
        used = features.used_in(stratum.code)
        complete = {feature.name: feature.levels[0].code if feature.levels else 10.0 for feature in used}
        for feature in used:
            for level in feature.levels:
                values = {features.stratum.name: stratum.code, **complete, feature.name: level.code}
                patient = Patient.parse(features, values)
                assert patient.stratum == stratum.code
                assert patient.values[feature.name] == level.code
                assert patient.unknown == ()
                assert features.named(feature.name).level(level.code) is level


def test_unknown_is_an_answer_only_where_the_model_supports_it() -> None:
    """E17: an explicit choice; the stratum and the interval cannot do without."""
    assert Patient.parse(FEATURES, {**LOCAL, "resection": UNKNOWN}).unknown == ("resection",)
    assert Patient.parse(FEATURES, {**DISTANT, "subtype": UNKNOWN}).unknown == ("subtype",)
    assert codes({**LOCAL, "interval_months": UNKNOWN}) == {"interval_months": "unknown_not_allowed"}
    assert codes({**LOCAL, "interval_months": UNKNOWN}, read_number=number_from_text) == {
        "interval_months": "unknown_not_allowed"
    }
    assert codes({"pattern": UNKNOWN}) == {"pattern": "unknown_not_allowed"}
    assert codes({**LOCAL, "resection": "Unknown"}) == {"resection": "not_a_level"}


def test_a_number_may_be_unknown_where_the_model_says_so() -> None:
    """E17, for a model that another hospital made."""
    values = {"kind": "invented", "size": UNKNOWN, "grade": UNKNOWN, "site": "here"}
    patient = Patient.parse(INVENTED, values)
    assert patient.unknown == ("size", "grade")
    assert patient.values == {"site": "here"}
    assert problems({**values, "size": "x"}, features=INVENTED)["size"].allowed["unknown"] is True
    assert problems({**values, "site": UNKNOWN}, features=INVENTED)["site"].code == "unknown_not_allowed"


def test_what_is_asked_and_not_given_is_missing() -> None:
    """E16: no result before the required inputs are there, and none from a patient of zeros (mistake 6)."""
    assert codes({}) == {"pattern": "missing"}
    assert codes({"pattern": None}) == {"pattern": "missing"}
    assert codes({"pattern": "local"}) == {"interval_months": "missing", "resection": "missing"}
    assert codes({"pattern": "distant", "interval_months": None, "subtype": None}) == {
        "interval_months": "missing",
        "subtype": "missing",
    }
    found = problems({"pattern": "local"})
    assert found["interval_months"].allowed["range"] == Range(0, 240, low_open=True)
    assert found["resection"].allowed["codes"] == ["yes", "no", "unknown"]


def test_a_stratum_without_predictors_needs_nothing_else() -> None:
    """Every patient with both patterns gets the same estimate."""
    assert Patient.parse(FEATURES, {"pattern": "both"}) == Patient(stratum="both", values={})


@pytest.mark.parametrize("given", ["yes", UNKNOWN, "nonsense", 7])
def test_an_answer_that_this_stratum_does_not_use_is_refused(given: object) -> None:
    """DESIGN §6: what the model does not use for this pattern is refused, whatever was answered."""
    found = problems({**DISTANT, "resection": given})
    assert list(found) == ["resection"]
    assert found["resection"].code == "not_used"
    assert found["resection"].allowed == {"stratum": "distant"}
    assert codes({"pattern": "both", "interval_months": 12}) == {"interval_months": "not_used"}


def test_not_answering_what_is_not_used_is_fine() -> None:
    """A form sends every field, empty where it does not apply."""
    patient = Patient.parse(FEATURES, {**DISTANT, "resection": None})
    assert patient.values == {"interval_months": 24.0, "subtype": "lms"}


@pytest.mark.parametrize("given", [1, "x", None, [], ""])
@pytest.mark.parametrize("name", ["age", "Interval_months", "interval", "pattern ", "alive_months", ""])
def test_a_field_that_no_question_has_is_refused(name: str, given: object) -> None:
    """S4: unknown fields refused, empty or not; the questions that exist are named."""
    found = problems({**LOCAL, name: given})
    assert list(found) == [name]
    assert found[name].code == "unknown_field"
    assert found[name].allowed["fields"] == ["pattern", "interval_months", "resection", "subtype"]


def test_everything_that_is_wrong_is_named_at_once() -> None:
    """DESIGN §5: one problem for each field, in one answer."""
    values = {"pattern": "local", "interval_months": "7,5", "subtype": "lms", "age": 50}
    found = codes(values, 1.5)
    assert found == {
        "age": "unknown_field",
        "interval_months": "not_a_number",
        "resection": "missing",
        "subtype": "not_used",
        "alive_months": "not_whole",
    }
    assert codes({"pattern": "Local", "interval_months": -1, "resection": "maybe", "subtype": "lms"}, 99) == {
        "pattern": "not_a_level",
        "interval_months": "too_low",
        "resection": "not_a_level",
        "alive_months": "too_high",
    }


def test_the_message_names_fields_and_problems_and_no_value() -> None:
    """S2: it may end in a log, so it repeats nothing that was given."""
    with pytest.raises(InvalidPatient, match=r"^interval_months: not_a_number, resection: not_a_level$") as refused:
        Patient.parse(FEATURES, {**LOCAL, "interval_months": "SECRET", "resection": "SECRET"})
    assert "SECRET" not in repr(refused.value)


@given(valid_inputs(), st.randoms(use_true_random=False))
def test_answers_go_by_name_and_never_by_position(inputs: dict[str, Any], random: Any) -> None:  # noqa: ANN401
    """E19 and mistake 4: in whatever order they come, they make the same patient, answered in the order asked."""
    features = inputs["features"]
    names = list(features)
    random.shuffle(names)
    patient = Patient.parse(FEATURES, features, alive_months=inputs["alive_months"])
    shuffled = Patient.parse(FEATURES, {name: features[name] for name in names}, alive_months=inputs["alive_months"])
    assert shuffled == patient
    assert list(shuffled.values) == list(patient.values)


@given(valid_inputs())
def test_every_valid_patient_is_what_was_said_of_them(inputs: dict[str, Any]) -> None:
    """Nothing is added, dropped or changed: what is answered again is what was given (mistakes 1 and 10)."""
    patient = Patient.parse(FEATURES, inputs["features"], alive_months=inputs["alive_months"])
    assert {"pattern": patient.stratum, **patient.answers()} == inputs["features"]
    assert patient.alive_months == inputs["alive_months"]
    assert UNKNOWN not in patient.values.values()


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(["pattern", "interval_months", "resection", "subtype"]), st.text(max_size=4)),
        st.one_of(
            st.sampled_from(["local", "distant", "both", "yes", "no", "unknown", "lms"]),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.lists(st.integers()),
        ),
    ),
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3)),
    st.sampled_from([number_from_json, number_from_text]),
)
def test_whatever_is_given_there_is_a_patient_or_problems_and_nothing_else(
    values: dict[str, object], alive_months: object, read_number: ReadNumber
) -> None:
    """Issue, point 6: every bad input is answered; none raises anything but InvalidPatient."""
    found: dict[str, Problem] = {}
    patient: Patient | None = None
    try:
        patient = Patient.parse(FEATURES, values, alive_months=alive_months, read_number=read_number)
    except InvalidPatient as refused:
        found = refused.problems
    assert (patient is None) == bool(found)
    asked = [feature.name for feature in FEATURES.used_in(patient.stratum)] if patient else []
    assert patient is None or sorted(patient.answers()) == sorted(asked)
