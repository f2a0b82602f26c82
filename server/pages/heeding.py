"""What days and the record say against a result, besides what its answers say."""

from __future__ import annotations

from datetime import date

from model.patient import Problem
from model.prediction import Prediction
from server.entering.dates import day_after
from server.pages.recorded import Recorded, excluded_told
from server.served import Served
from server.wording.telling import WarningTold

PAST, EXCLUDED = "past", "excluded"


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
    return tuple(told)


def too_young(served: Served, zero: date | None, recorded: Recorded | None) -> Problem | None:
    """Whether the record says that a patient was younger than those whom the model is for."""
    record = served.model.record
    if record is None or record.youngest_years is None or recorded is None or recorded.banner is None:
        return None
    born = recorded.banner.born
    if zero is None or len(born) < len("2021-03-04"):
        return None
    years = complete_years(date.fromisoformat(born), zero)
    return (
        Problem("too_young", allowed={"years": years, "least": record.youngest_years})
        if (years < record.youngest_years)
        else None
    )


def complete_years(born: date, day: date) -> int:
    """How old somebody born then is on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
