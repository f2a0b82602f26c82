"""Random valid inputs with what a model predicts for them, so that others can check their own implementation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from model.features import ALIVE_MONTHS, UNKNOWN, Feature
from model.fitted import Model
from model.patient import Patient
from model.plain import plain_prediction
from model.prediction import predict

TURNS = 20
"""How often, for each pair wanted, an input is drawn before a model is taken to have no more different ones."""


def vectors(model: Model, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """``count`` different pairs of input and output: every kind of answer, every time alive, the strata in turn.

    A stratum with few different inputs gives what it has. The output is the API's without the two curves: survival at
    the horizons, spans, explanation and unknowns.
    """
    rng = np.random.default_rng(seed)
    strata = list(model.strata.values())
    seen: set[str] = set()
    for turn in range(TURNS * count):
        stratum = strata[turn % len(strata)]
        answers = {feature.name: _answer(feature, rng) for feature in model.features.used_in(stratum.name)}
        values = {model.features.stratum.name: stratum.name, **answers}
        alive = int(rng.integers(stratum.last_month)) if rng.uniform() < 1 / 3 else 0
        if (key := repr((values, alive))) in seen:
            continue
        seen.add(key)
        output = plain_prediction(predict(model, Patient.parse(model.features, values, alive_months=alive)))
        del output["curve"], output["reference"]
        yield {"input": {"features": values, ALIVE_MONTHS: alive}, "output": output}
        if len(seen) == count:
            return


def _answer(feature: Feature, rng: np.random.Generator) -> float | str:
    if feature.unknown is not None and rng.uniform() < 1 / 5:
        return UNKNOWN
    if feature.hard is None:
        return str(rng.choice([level.code for level in feature.levels]))
    # Even in the logarithm, so that short and long times are as frequent; a tenth of a unit as people type it.
    low = max(feature.hard.low, feature.hard.high / 1000)
    drawn = math.exp(rng.uniform(math.log(low), math.log(feature.hard.high)))
    return max(round(drawn, 1), 0.1)
