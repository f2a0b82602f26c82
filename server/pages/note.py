"""The note for a record: one prediction in at most twelve lines of plain text."""

from __future__ import annotations

from collections.abc import Iterable

from model.prediction import Prediction
from model.receipt import Receipt
from model.rounding import percent, percent_of_the_rest
from server.served import Served
from server.wording.telling import Told


def note_of(
    served: Served, prediction: Prediction, told: Told, inputs: Iterable[tuple[str, str]], receipt: Receipt
) -> str:
    """What somebody else needs in order to read the figures later: of whom, from when, how sure, which model, when."""
    say, about, model = served.language.sentences.say, served.model.about, served.model
    statements = served.statements[prediction.patient.stratum]
    figures = [
        say(
            "note_horizon",
            horizon=at.months,
            shown=percent(at.estimate),
            lower=at.lower,
            upper=at.upper,
            not_alive=percent_of_the_rest(at.estimate),
        )
        for at in prediction.survival
    ]
    group = say("note_group", origin=about.origin, alive=prediction.patient.alive_months)
    last = model.strata[prediction.patient.stratum].last_month
    beyond = say("not_enough_follow_up", last=last, origin=about.origin) if last < max(model.horizons) else ""
    lines = [
        say("note_title", title=about.title, name=model.name, version=model.version),
        "; ".join(say("note_pair", label=label, value=value) for label, value in inputs),
        " ".join([say("note_figures", group=group, figures=figures), beyond]),
        " ".join([*(warning.text for warning in told.warnings), told.since or ""]),
        " ".join(f"{one.named} {one.handling or ''} {one.range}" for one in told.unknown),
        " ".join(dict.fromkeys(caution.text for caution in told.cautions)),
        say("note_not_for", groups=statements.not_for),
        statements.not_causes,
        f"{statements.one_of_the_hundred} {statements.support}",
        f"{statements.made_from} {statements.validation} {statements.status}",
        say(
            "note_receipt",
            id=receipt.id,
            time=served.language.moment(receipt.time),
            name=model.name,
            version=model.version,
            digest=model.digest,
        ),
    ]
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)
