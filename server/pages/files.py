"""The files that a result can be taken along as: the page as PDF, the curve as CSV, everything as JSON."""

from __future__ import annotations

import csv
import json
from io import StringIO

from server.interface.answer import answer_in_full
from server.interface.schema import Answer
from server.pages.answering import Answered
from server.pages.assets import Asset
from server.pages.paper import pdf_of

MEDIA_TYPES = {
    "result.pdf": "application/pdf",
    "curve.csv": "text/csv; charset=utf-8",
    "result.json": "application/json",
}


def file_of(name: str, answered: Answered, page: str, style: Asset) -> bytes:
    """One of the files of a result. Raises KeyError for a name that is none of them."""
    match name:
        case "result.pdf":
            return pdf_of(page, style, answered.served.model.about.title)
        case "curve.csv":
            return _curve(answered).encode()
        case "result.json":
            return (json.dumps(_everything(answered), ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()
        case _:
            raise KeyError(name)


def _everything(answered: Answered) -> Answer:
    result = answered.result
    return answer_in_full(answered.served, result.prediction, result.told, result.receipt)


def _curve(answered: Answered) -> str:
    """A row for each month; what the figures are and where they are from stands in each, lest it be cut off."""
    answer, receipt = _everything(answered), answered.result.receipt
    curve, reference, statements = answer["curve"], answer["reference"], answer["statements"]
    written = StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    columns = ("months", "survival", "lower", "upper", "reference_survival")
    of_all = ("origin", "model", "model_version", "model_digest", "receipt_id", "time", "made_from", "cautions")
    writer.writerow([*columns, *of_all])
    about = (
        answered.served.model.about.origin,
        receipt.model_name,
        receipt.model_version,
        receipt.model_digest,
        receipt.id,
        receipt.time,
        statements["made_from"],
        " ".join(
            [*(one["text"] for one in answer["explanation"]["cautions"]), *(one["text"] for one in answer["warnings"])]
        ),
    )
    figures = zip(
        curve["months"], curve["estimate"], curve["lower"], curve["upper"], reference["estimate"], strict=True
    )
    writer.writerows([*row, *about] for row in figures)
    return written.getvalue()
