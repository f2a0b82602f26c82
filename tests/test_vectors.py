"""S6: a formula sheet and at least 1,000 generated vectors let others check their own implementation."""

import copy
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import pytest

from tests.plain_calculator import UNKNOWN, Answers, Kind, PlainCalculator, Stratum

Json = dict[str, Any]
Numbers: TypeAlias = "float | list[Numbers]"

VECTORS = Path(__file__).parent.parent / "docs" / "vectors"


@pytest.fixture(scope="module")
def model() -> Json:
    parsed: Json = json.loads((VECTORS / "model.json").read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="module")
def vectors() -> list[Json]:
    return [json.loads(line) for line in (VECTORS / "vectors.jsonl").read_text(encoding="utf-8").splitlines()]


def difference(expected: object, got: object, where: str = "") -> str | None:
    """Where two outputs first differ: in a key, in a word, or by more than 1e-9 of a number."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.keys() != got.keys():
            return f"{where}: {sorted(got)} and not {sorted(expected)}"
        return first(difference(expected[key], got[key], f"{where}.{key}") for key in expected)
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{where}: {len(got)} entries and not {len(expected)}"
        return first(difference(*pair, f"{where}[{i}]") for i, pair in enumerate(zip(expected, got, strict=True)))
    if isinstance(expected, int | float) and isinstance(got, int | float):
        near_zero = 1e-12 if where.endswith(".points") else 0.0
        same = math.isclose(expected, got, rel_tol=1e-9, abs_tol=near_zero)
    else:
        same = expected == got
    return None if same else f"{where}: {got} and not {expected}"


def first(found: Iterable[str | None]) -> str | None:
    return next((one for one in found if one), None)


def disagreement(calculator: PlainCalculator, vectors: list[Json]) -> str | None:
    """The first place in the vectors that a calculator does not reproduce."""
    return first(difference(v["output"], calculator(v["input"]), f"{v['input']}") for v in vectors)


class SurvivalAveraged(Stratum):
    """The mistake to average survival over the fits, and not hazards."""

    def alive(self, kind: Kind, t: int) -> float:
        return fmean(math.exp(-hazard[t] * kind.r) for hazard in self.fits["hazard"])


class RatiosAveraged(Stratum):
    """The mistake to mix those alive at s as patients were mixed at time zero."""

    def survival(self, known: Answers, s: int, t: int) -> float:
        return sum(kind.weight * self.alive(kind, t) / self.alive(kind, s) for kind in self.kinds(known))


class FitsAgree(Stratum):
    """The mistake to leave out what differs between the fits."""

    def __init__(self, data: Json) -> None:
        super().__init__(data)
        self.between = 0.0


class FitsCountedOnce(Stratum):
    """The mistake to forget that M is finite: no 1 + 1/M."""

    def __init__(self, data: Json) -> None:
        super().__init__(data)
        self.between = 1 / (self.count - 1)


def test_there_are_at_least_a_thousand(vectors: list[Json]) -> None:
    assert len(vectors) >= 1000


def test_every_stratum_level_and_unknown_occurs(model: Json, vectors: list[Json]) -> None:
    chooser = model["stratum_feature"]
    possible = {(chooser["name"], level["code"]) for level in chooser["levels"]}
    for feature in model["features"]:
        possible |= {(feature["name"], level["code"]) for level in feature.get("levels", [])}
        possible |= {(feature["name"], UNKNOWN)} if "unknown" in feature else set()
    assert possible <= {answer for vector in vectors for answer in vector["input"]["features"].items()}


def test_every_stratum_occurs_from_time_zero_and_for_patients_alive_later(model: Json, vectors: list[Json]) -> None:
    chooser = model["stratum_feature"]["name"]
    occurring = {(v["input"]["features"][chooser], v["input"]["alive_months"] > 0) for v in vectors}
    assert occurring == {(name, later) for name in model["strata"] for later in (False, True)}


def test_the_formulas_alone_give_every_number(model: Json, vectors: list[Json]) -> None:
    assert disagreement(PlainCalculator(model), vectors) is None


@pytest.mark.parametrize("mistaken", [SurvivalAveraged, RatiosAveraged, FitsAgree, FitsCountedOnce])
def test_a_wrong_formula_is_found_out(model: Json, vectors: list[Json], mistaken: type[Stratum]) -> None:
    assert disagreement(PlainCalculator(model, mistaken), vectors)


@pytest.mark.parametrize("part", ["coefficients", "covariance", "hazard", "hazard_variance", "hazard_gradient"])
@pytest.mark.parametrize("stratum", ["local", "distant"])
def test_a_flipped_sign_is_found_out(model: Json, vectors: list[Json], stratum: str, part: str) -> None:
    flipped = copy.deepcopy(model)
    fits = flipped["strata"][stratum]["fits"]
    fits[part] = negative(fits[part])
    try:
        found = disagreement(PlainCalculator(flipped), vectors)
    except ValueError:  # the root of a negative variance, the logarithm of a negative loss
        found = "no number at all"
    assert found


def test_a_number_left_out_or_a_millionth_off_is_found_out(vectors: list[Json]) -> None:
    for vector in vectors[:20]:
        assert difference(vector["output"], vector["output"]) is None
        for spoilt in spoilings(vector["output"]):
            assert difference(vector["output"], spoilt)
            assert difference(spoilt, vector["output"])


def negative(numbers: Numbers) -> Numbers:
    return [negative(one) for one in numbers] if isinstance(numbers, list) else -numbers


def spoilings(value: object) -> Iterator[object]:
    """Every copy of an output in which one entry is missing or one number is a millionth higher."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield {one: other for one, other in value.items() if one != key}
            yield from (value | {key: spoilt} for spoilt in spoilings(entry))
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield value[:place] + value[place + 1 :]
            yield from ([*value[:place], spoilt, *value[place + 1 :]] for spoilt in spoilings(entry))
    elif isinstance(value, int | float):
        yield value * (1 + 1e-6) + 1e-9
