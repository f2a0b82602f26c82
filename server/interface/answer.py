"""The answer of the interface: one prediction as plain numbers, codes and whole sentences."""

from __future__ import annotations

from collections.abc import Mapping

from model.patient import InvalidPatient, Patient, Problem
from model.plain import plain_prediction
from model.prediction import Prediction, predict
from model.receipt import Receipt, issue_receipt
from server.entering.documents import MODEL, entry_of_json
from server.entering.entry import patient_of
from server.interface.schema import Answer
from server.served import Served, default
from server.wording.refusing import of_json
from server.wording.telling import Told, shown_support, tell


def answer(served: Served, patient: Patient) -> Answer:
    """Predict, put into words and sign: what ``POST /api/v1/predictions`` and the command line give."""
    prediction = predict(served.model, patient)
    told = tell(served.language, served.model, prediction, withdrawn=served.withdrawn)
    return answer_in_full(served, prediction, told, issue_receipt(served.model, patient))


def answer_document(served: Mapping[str, Served], document: Mapping[str, object]) -> Answer:
    """The answer to a JSON document. Raises InvalidPatient with everything that is wrong with it."""
    name = document.get(MODEL)
    if name is not None and not (isinstance(name, str) and name in served):
        raise InvalidPatient({MODEL: Problem("no_such_model", name, {"models": list(served)})})
    one = addressed(served, document)
    return answer(one, patient_of(one.model.features, entry_of_json(document), of_json(one.language)))


def addressed(served: Mapping[str, Served], document: Mapping[str, object]) -> Served:
    """The model that a document names, the default one where it names none that there is."""
    name = document.get(MODEL)
    return served[name] if isinstance(name, str) and name in served else default(served)


def answer_in_full(served: Served, prediction: Prediction, told: Told, receipt: Receipt) -> Answer:
    """All that is known and said of one prediction, in the names of the interface."""
    plain, stratum = plain_prediction(prediction), prediction.patient.stratum
    statements, support = served.statements[stratum], prediction.support
    patients, deaths = shown_support(support)
    return {
        "survival": plain["survival"],
        "curve": plain["curve"],
        "reference": plain["reference"] | {"label": statements.reference_label},
        "spans": plain["spans"],
        "span_limits": plain["span_limits"],
        "explanation": plain["explanation"]
        | {
            "sentences": list(told.sentences),
            "statement": statements.not_causes,
            "cautions": [{"feature": caution.feature, "text": caution.text} for caution in told.cautions],
        },
        "unknown": [
            numbers | {"handling": words.handling, "text": words.range}
            for numbers, words in zip(plain["unknown"], told.unknown, strict=True)
        ],
        "warnings": [
            {"code": warning.code, "feature": warning.feature, "text": warning.text} for warning in told.warnings
        ],
        "not_shown": told.left_out,
        "support": {
            "patients": patients,
            "deaths": deaths,
            "source": support.source,
            "last_month": served.model.strata[stratum].last_month,
            "text": statements.support,
            "like": None
            if prediction.like is None or told.like is None
            else {"patients": prediction.like.patients, "deaths": prediction.like.deaths, "text": told.like},
        },
        "statements": {
            "status": statements.status,
            "made_from": statements.made_from,
            "data_period": statements.data_period,
            "validation": statements.validation,
            "method": list(statements.method),
            "not_for": list(statements.not_for),
            "cautions": list(statements.cautions),
        },
        "receipt": {
            "id": receipt.id,
            "model": {"name": receipt.model_name, "version": receipt.model_version, "digest": receipt.model_digest},
            "inputs": dict(receipt.inputs),
            "time": receipt.time,
        },
    }
