"""What the server is measured beside, each in the same framework.

- ``precomputed``: handlers that return bytes made beforehand: what the framework alone costs.
- ``scikit-survival``: a handler that pools the same fits through ``predict_survival_function``: what the server would
  cost if it used the training library instead of plain sums. It gives the curve alone: no interval, no explanation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse

from model.artefact import read_artefact
from model.patient import Patient
from training.artefact import load_estimators


def precomputed(answer: bytes, page: bytes) -> FastAPI:
    """An application that answers every request with the same bytes."""
    app = FastAPI()

    async def predictions() -> Response:
        return Response(answer, media_type="application/json")

    async def form() -> HTMLResponse:
        return HTMLResponse(page)

    app.post("/api/v1/predictions")(predictions)
    app.post("/")(form)
    return app


def pooling_with_scikit_survival(folder: Path) -> FastAPI:
    """An application that averages the fitted estimators' own survival functions."""
    model = read_artefact(folder).model
    estimators = load_estimators(folder)
    app = FastAPI()

    async def predictions(request: Request) -> dict[str, Any]:
        body = json.loads(await request.body())
        patient = Patient.parse(model.features, body["features"])
        stratum = model.strata[patient.stratum]
        row = stratum.design(patient.values)[None]
        months = stratum.months[1:]
        curves = [
            function(np.clip(months, *function.domain))
            for estimator in estimators[patient.stratum]
            for function in estimator.predict_survival_function(row)
        ]
        return {"months": [0, *months.tolist()], "estimate": [1.0, *np.mean(curves, axis=0).tolist()]}

    app.post("/api/v1/predictions")(predictions)
    return app


@click.command()
@click.argument("kind", type=click.Choice(["precomputed", "scikit-survival"]))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--port", type=int, required=True)
def main(kind: str, folder: Path, port: int) -> None:
    """Serve one of the peers; FOLDER is the model, or for precomputed where answer.json and page.html stand."""
    if kind == "precomputed":
        app = precomputed((folder / "answer.json").read_bytes(), (folder / "page.html").read_bytes())
    else:
        app = pooling_with_scikit_survival(folder)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
