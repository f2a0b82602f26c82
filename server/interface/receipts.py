"""A receipt that was kept, answered once more: the same digits from the same model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.features import ALIVE_MONTHS
from model.plain import plain_prediction
from model.prediction import predict
from model.receipt import Issue, issue_receipt
from server.entering.entry import Entry, patient_of
from server.interface.answer import answer_in_full
from server.interface.schema import Answer
from server.served import Served
from server.wording.refusing import Unreadable, of_json
from server.wording.telling import tell


class UnreadableReceipt(Unreadable):
    """A document holds no receipt."""


@dataclass(frozen=True, slots=True)
class Again:
    """An answer computed once more."""

    answer: Answer
    other_model: str | None
    """Which model the receipt is of, where that is not the one that answers now."""
    differs: tuple[str, ...]
    """Which figures of the kept answer do not come out again; only of the same model."""


def answer_again(served: Served, document: Mapping[str, object]) -> Again:
    """The answer to a receipt, or to an answer that holds one.

    Raises UnreadableReceipt, and InvalidPatient where the model that is here cannot take the inputs.
    """
    receipt = document.get("receipt", document)
    match receipt:
        case {
            "id": str(identifier),
            "time": str(time),
            "model": {"name": str(name), "version": str(version), "digest": str(digest)},
            "inputs": dict(inputs),
        }:
            pass
        case _:
            raise UnreadableReceipt(sentence="no_receipt")
    model, language = served.model, served.language
    same = digest == model.digest
    values = {key: value for key, value in inputs.items() if key != ALIVE_MONTHS}
    patient = patient_of(model.features, Entry(values, inputs.get(ALIVE_MONTHS)), of_json(language))
    prediction = predict(model, patient)
    answer = answer_in_full(
        served,
        prediction,
        tell(language, model, prediction, withdrawn=served.withdrawn),
        issue_receipt(model, patient, Issue(identifier, time) if same else None),
    )
    return Again(
        answer=answer,
        other_model=None if same else language.refusals.say("model_named", name=name, version=version, digest=digest),
        differs=tuple(
            name
            for name, figures in plain_prediction(prediction).items()
            if same and name in document and not _holds(document[name], figures)
        ),
    )


def _holds(kept: object, figures: object) -> bool:
    """Whether what was kept has all of these figures, to the last digit; its words may be those of another language."""
    match figures:
        case dict():
            return isinstance(kept, dict) and all(
                name in kept and _holds(kept[name], figures[name]) for name in figures
            )
        case list():
            return (
                isinstance(kept, list)
                and len(kept) == len(figures)
                and all(_holds(one, figure) for one, figure in zip(kept, figures, strict=True))
            )
        case _:
            return kept == figures
