"""What a prediction says to a record, whichever resource carries it: risks in percent, their texts, and its source.

A record asks for the risk of an event, where the pages tell how many are alive: 100 · (1 - survival).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from markupsafe import escape

from model.prediction import Horizon, Prediction
from model.receipt import Receipt
from model.rounding import percent_of_the_rest
from server.entering.dates import day_after
from server.fhir.checking import Resource
from server.pages.result import inputs_of
from server.served import Served
from server.wording.telling import Told

UCUM = "http://unitsofmeasure.org"
DEVICE = "model"
"""How a resource calls the description of the model that it contains."""


@dataclass(frozen=True, slots=True)
class Said:
    """One prediction, and what ties it to a record."""

    served: Served
    prediction: Prediction
    told: Told
    receipt: Receipt
    subject: str
    """Of whom it is: "Patient/123"."""
    time_zero: date
    """The day from which time counts."""
    basis: tuple[str, ...]
    """Every resource of the record whose value was used: "Condition/1"."""
    by_hand: tuple[str, ...]
    """Every answer that no resource of the record gave, or not the whole of it, with its label."""
    user: str | None = None
    """Who was signed in, as the EHR names them."""

    @property
    def landmark(self) -> date:
        """The day on which the patient was last known to be alive; time zero where no time has passed."""
        return day_after(self.time_zero, self.prediction.patient.alive_months)


@dataclass(frozen=True, slots=True)
class Risk:
    """How likely the event is by one headline time, in percent; the limits are None where there are none."""

    months: int
    event: str
    """What is predicted, and by when."""
    percent: float
    lower: float | None
    upper: float | None
    sentence: str
    begin: date
    end: date


def percent_at_risk(survival: float) -> float:
    """The risk in percent, 0 to 100: to the digit what is left of 100, without the dust of binary fractions."""
    return float(100 * (1 - Decimal(repr(survival))))


def risks(said: Said) -> tuple[Risk, ...]:
    """The risks by the headline times."""
    return tuple(_risk(said, horizon) for horizon in said.prediction.survival)


def headline_risk(said: Said) -> Risk:
    """The risk by the time at which the prediction is explained."""
    return next(risk for risk in risks(said) if risk.months == said.prediction.explanation.horizon_months)


def receipt_identifier(said: Said) -> dict[str, str]:
    """The receipt as the identifier of a resource."""
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{said.receipt.id}"}


def method_text(said: Said) -> str:
    """By which model."""
    receipt, title = said.receipt, said.served.model.about.title
    return said.served.language.sentences.say(
        "record_method",
        title=title,
        name=receipt.model_name,
        version=receipt.model_version,
        digest=receipt.model_digest,
    )


def device(said: Said) -> Resource:
    """The model as what has made the assessment, to be contained in it."""
    receipt = said.receipt
    return {
        "resourceType": "Device",
        "id": DEVICE,
        "deviceName": [
            {"name": said.served.model.about.title, "type": "user-friendly-name"},
            {"name": receipt.model_name, "type": "model-name"},
        ],
        "version": [{"value": receipt.model_version}, {"type": {"text": "SHA-256"}, "value": receipt.model_digest}],
    }


def notes(said: Said) -> tuple[str, ...]:
    """Everything that whoever reads the figures later must know, in whole sentences."""
    served, told, prediction = said.served, said.told, said.prediction
    say, about, last = served.language.sentences.say, served.model.about, _last_month(said)
    statements = served.statements[prediction.patient.stratum]
    answers = [
        say("note_pair", label=given.label, value=given.value) for given in inputs_of(served, prediction.patient, {})
    ]
    beyond = last < max(served.model.horizons)
    lines = [
        " ".join([*(warning.text for warning in told.warnings), told.since or ""]),
        _counted(said),
        say("record_answers", answers=answers),
        say("record_by_hand", answers=said.by_hand) if said.by_hand else "",
        say("record_user", user=said.user) if said.user else "",
        told.left_out or "",
        say("not_enough_follow_up", last=last, origin=about.origin) if beyond else "",
        " ".join(f"{one.named} {one.handling or ''} {one.range}" for one in told.unknown),
        " ".join(dict.fromkeys(caution.text for caution in told.cautions)),
        " ".join([say("note_not_for", groups=statements.not_for), *statements.cautions]),
        statements.not_causes,
        f"{statements.one_of_the_hundred} {statements.how_sure}",
        f"{statements.support} {told.like or ''}",
        f"{statements.made_from} {statements.validation} {statements.status}",
        say(
            "note_receipt",
            id=said.receipt.id,
            time=served.language.moment(said.receipt.time),
            name=said.receipt.model_name,
            version=said.receipt.model_version,
            digest=said.receipt.model_digest,
        ),
    ]
    return tuple(line for line in (" ".join(line.split()) for line in lines) if line)


def _counted(said: Said) -> str:
    """From which day the times count: a later reader may know of more than one such day."""
    say, event = said.served.language.sentences.say, said.served.model.about.time_zero
    alive = said.landmark.isoformat() if said.prediction.patient.alive_months else ""
    return say("record_counted", day=said.time_zero.isoformat(), event=event, alive=alive)


def narrative(said: Said, texts: Iterable[str]) -> dict[str, str]:
    """The same for people whose record shows no more of a resource than its text."""
    language = said.served.language
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in texts)
    head = f'xmlns="http://www.w3.org/1999/xhtml" lang="{language.code}" xml:lang="{language.code}"'
    return {"status": "generated", "div": f'<div {head} dir="{language.direction}">{paragraphs}</div>'}


def references(addresses: Iterable[str]) -> list[dict[str, str]]:
    """Resources, as others refer to them."""
    return [{"reference": address} for address in addresses]


def _last_month(said: Said) -> int:
    return said.served.model.strata[said.prediction.patient.stratum].last_month


def _risk(said: Said, at: Horizon) -> Risk:
    say, about, alive = (
        said.served.language.sentences.say,
        said.served.model.about,
        said.prediction.patient.alive_months,
    )
    event = say("event_by", outcome=about.outcome, horizon=at.months, origin=about.origin, alive=alive)
    nothing = at.lower is None or at.upper is None
    return Risk(
        months=at.months,
        event=event,
        percent=percent_at_risk(at.estimate),
        # Who is least likely to be alive is most likely to have died.
        lower=None if at.upper is None else percent_at_risk(at.upper),
        upper=None if at.lower is None else percent_at_risk(at.lower),
        sentence=say(
            "risk",
            event=event,
            shown=percent_of_the_rest(at.estimate),
            lower=None if nothing else percent_of_the_rest(at.upper or 0.0),
            upper=None if nothing else percent_of_the_rest(at.lower or 0.0),
        ),
        begin=said.landmark,
        end=day_after(said.time_zero, at.months),
    )
