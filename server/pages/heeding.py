"""What days and the record say against a result, besides what its answers say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from model.patient import Problem
from model.prediction import Prediction
from model.record import earliest_day
from server.entering.dates import complete_months, day_after
from server.fhir.found import NOT_NAMED
from server.pages.recorded import Recorded, excluded_told, source_told
from server.served import Served
from server.wording.telling import WarningTold

PAST, EXCLUDED, SETTLED_AFTER = "past", "excluded", "settled_after"


def heeded(
    served: Served, prediction: Prediction, zero: date | None, recorded: Recorded | None, today: date
) -> tuple[WarningTold, ...]:
    """What must stand beside the figures; ``zero`` is the day from which time counts, where it is known."""
    say, language = served.language.sentences.say, served.language
    told = [] if recorded is None else [WarningTold(EXCLUDED, None, text) for text in excluded_told(served, recorded)]
    if zero is not None:
        last = day_after(zero, max(horizon.months for horizon in prediction.survival))
        known = day_after(zero, prediction.patient.alive_months)
        if last <= today:
            text = say("all_past", last=language.day(last), known=language.day(known))
            told.append(WarningTold(PAST, None, text))
        if recorded is not None:
            told += settled_after(served, prediction, zero, recorded)
    return tuple(told)


def settled_after(served: Served, prediction: Prediction, zero: date, recorded: Recorded) -> Iterator[WarningTold]:
    """Of answers that are settled after time zero, those that the record dates later than the patient's life is known.

    Whoever was there to be operated on had lived until then (immortal time): the prediction must begin there. Where no
    time is said to have passed, the model says so itself.
    """
    say, about, patient = served.language.sentences.say, served.model.about, prediction.patient
    alive = patient.alive_months
    for feature in served.model.features.predictors:
        value = patient.values.get(feature.name)
        if not alive or not isinstance(value, str) or not feature.level(value).later:
            continue
        # Whatever kind of operation it was that the record does not name, the patient was there for it.
        found = [one for one in recorded.findings.listed(feature.name) if one.value == value or one.remark == NOT_NAMED]
        last = max((one for one in found if one.day), key=lambda one: earliest_day(one.day), default=None)
        if last is not None and complete_months(zero, earliest_day(last.day)) > alive:
            source = source_told(served, last)
            text = say("settled_after", source=source, alive=alive, label=feature.label, time_zero=about.time_zero)
            yield WarningTold(SETTLED_AFTER, feature.name, text)


def too_young(served: Served, zero: date | None, recorded: Recorded | None, today: date) -> Problem | None:
    """Whether the record says that a patient was younger at time zero than those whom the model is for.

    Where that day is not known: whether the patient is so today, and was so then all the more.
    """
    record = served.model.record
    if record is None or recorded is None or recorded.banner is None:
        return None
    young = record.too_young(recorded.banner.born, today if zero is None else zero)
    code = "too_young_today" if zero is None else "too_young"
    return Problem(code, allowed={"least": record.youngest_years}) if young else None
