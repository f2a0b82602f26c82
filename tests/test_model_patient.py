"""From raw values to a patient: nothing is clamped, guessed or defaulted, and every problem is named at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import UNKNOWN, Features, Range
from model.patient import InvalidPatient, Patient, Problem, ReadNumber, number_from_json, number_from_text
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
