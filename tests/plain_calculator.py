"""The published formulas a second time, in plain Python: what an outsider gets who reads only the pages in `docs/`.

Nothing is shared with the calculator that is served: where the two agree, the pages are right.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import combinations, pairwise, product
from typing import Any

Answer = str | float
Answers = tuple[tuple[str, Answer], ...]  # the known ones, in the order in which they are asked
Vector = Sequence[float]
Json = dict[str, Any]

UNKNOWN = "unknown"
NORMAL_975 = 1.959963984540054
LEVELS = (0.9, 0.75, 0.5, 0.25, 0.1)


class Kind:
    """Patients who are alike: how common they are, in each fit and on average, and how they differ from the centre."""

    def __init__(self, stratum: "Stratum", answers: dict[str, Answer], weights: Vector) -> None:
        self.weights = weights
        self.weight = mean(weights)
        self.x = [value - c for value, c in zip(stratum.row(answers), stratum.centre, strict=True)]
        self.r = math.exp(dot(stratum.effects, self.x))


class Stratum:
    """Survival of the patients of one group, whatever of them is known."""

    def __init__(self, data: Json) -> None:
        self.terms, self.centre, self.blocks, self.fits = (data[key] for key in ("terms", "centre", "blocks", "fits"))
        self.count = len(self.fits["hazard"])
        self.between = (1 + 1 / self.count) / (self.count - 1) if self.count > 1 else 0.0
        self.last = data["months"][-1]
        self.hazard = [mean(column) for column in zip(*self.fits["hazard"], strict=True)]
        self.variance = [mean(column) for column in zip(*self.fits["hazard_variance"], strict=True)]
        self.effects = [mean(column) for column in zip(*self.fits["coefficients"], strict=True)]
        self.deviations = [[b - m for b, m in zip(row, self.effects, strict=True)] for row in self.fits["coefficients"]]
        self.kinds = cache(self._kinds)
        self.share = cache(self._share)
        self.slopes = cache(self._slopes)

    def row(self, answers: dict[str, Answer]) -> list[float]:
        """Answers as numbers that effects multiply, before centring."""
        return [column(term, answers[term["feature"]]) for term in self.terms]

    def _kinds(self, known: Answers) -> list[Kind]:
        """All sorts of patients that what is known leaves possible."""
        answers = dict(known)
        open_blocks = [block for block in self.blocks if not answers.keys() >= set(block["features"])]
        kinds = []
        for choice in product(*(self._mixture(block, answers) for block in open_blocks)):
            atoms = {
                name: value
                for block, (atom, _) in zip(open_blocks, choice, strict=True)
                for name, value in zip(block["features"], atom, strict=True)
            }
            weights = [math.prod(weights[m] for _, weights in choice) for m in range(self.count)]
            kinds.append(Kind(self, atoms | answers, weights))
        return kinds

    def _mixture(self, block: Json, answers: dict[str, Answer]) -> list[tuple[list[Answer], list[float]]]:
        """The atoms of a block that fit the known answers best, with their proportions in each fit."""
        columns = list(zip(block["atoms"], zip(*block["weights"], strict=True), strict=True))
        possible = [(agreement(block, atom, answers), atom, w) for atom, w in columns if any(w)]
        most = max(agreed for agreed, _, _ in possible)
        chosen = [(atom, w) for agreed, atom, w in possible if agreed == most]
        pooled = [sum(w) for _, w in chosen]
        totals = [sum(w[m] for _, w in chosen) for m in range(self.count)]
        return [
            (atom, [w[m] / totals[m] if totals[m] else p / sum(pooled) for m in range(self.count)])
            for (atom, w), p in zip(chosen, pooled, strict=True)
        ]

    def alive(self, kind: Kind, t: int) -> float:
        """Probability that a patient of this kind lives beyond month t."""
        return math.exp(-self.hazard[t] * kind.r)

    def _share(self, known: Answers, t: int) -> float:
        """Probability that a patient of whom this is known lives beyond month t."""
        return sum(kind.weight * self.alive(kind, t) for kind in self.kinds(known))

    def survival(self, known: Answers, s: int, t: int) -> float:
        """Probability to live beyond month t for who is alive at month s."""
        return self.share(known, t) / self.share(known, s)

    def _slopes(self, known: Answers, t: int) -> tuple[float, list[float]]:
        """How −log of survival to t moves with the cumulative hazard, and with the effects (α and c)."""
        kinds = self.kinds(known)
        parts = [kind.weight * self.alive(kind, t) * kind.r / self.share(known, t) for kind in kinds]
        along = [sum(p * k.x[i] for p, k in zip(parts, kinds, strict=True)) for i in range(len(self.terms))]
        return sum(parts), along

    def limits(self, known: Answers, s: int, t: int) -> tuple[float | None, float | None]:
        """Bounds of the 95 % interval of survival; none where nobody of the source died in between."""
        if self.hazard[t] == self.hazard[s]:
            return None, None
        (alpha_s, c_s), (alpha_t, c_t) = self.slopes(known, s), self.slopes(known, t)
        kinds, n_s, n_t = self.kinds(known), self.share(known, s), self.share(known, t)
        shifts = [self.alive(kind, s) / n_s - self.alive(kind, t) / n_t for kind in kinds]
        effects, between = 0.0, 0.0
        for m in range(self.count):
            h, q = self.fits["hazard"][m], self.fits["hazard_gradient"][m]
            errors = [
                (h[t] * ct - alpha_t * qt) - (h[s] * cs - alpha_s * qs)
                for ct, cs, qt, qs in zip(c_t, c_s, q[t], q[s], strict=True)
            ]
            effects += quadratic(errors, self.fits["covariance"][m]) / self.count
            later = self.hazard[t] * dot(self.deviations[m], c_t) + (h[t] - self.hazard[t]) * alpha_t
            sooner = self.hazard[s] * dot(self.deviations[m], c_s) + (h[s] - self.hazard[s]) * alpha_s
            mix = [kind.weights[m] - kind.weight for kind in kinds]
            between += self.between * (later - sooner + dot(mix, shifts)) ** 2
        a_s, a_t = self.variance[s], self.variance[t]
        within = effects + (alpha_t - alpha_s) ** 2 * a_s + alpha_t**2 * (a_t - a_s)
        loss = -math.log(self.survival(known, s, t))
        spread = math.exp(NORMAL_975 * math.sqrt(within + between) / loss)
        return math.exp(-loss * spread), math.exp(-loss / spread)

    def curves(self, known: Answers, s: int) -> tuple[list[float], list[float], list[float]]:
        """Survival month by month from 1 at s on, and its limits; a limit that there is not yet is still at 1."""
        months = range(s + 1, self.last + 1)
        limits = [self.limits(known, s, t) for t in months]
        lower, upper = ([1.0, *(1.0 if one is None else one for one in side)] for side in zip(*limits, strict=True))
        return [1.0, *(self.survival(known, s, t) for t in months)], lower, upper

    def hazard_ratio(self, feature: str, answer: Answer, against: Answer) -> list[float]:
        """How many times as high the hazard is with one answer as with another, with its limits."""
        d = [column(term, answer) - column(term, against) if term["feature"] == feature else 0.0 for term in self.terms]
        within = mean([quadratic(d, covariance) for covariance in self.fits["covariance"]])
        error = math.sqrt(within + self.between * sum(dot(deviation, d) ** 2 for deviation in self.deviations))
        return [math.exp(dot(self.effects, d) + z * error) for z in (0.0, -NORMAL_975, NORMAL_975)]


class PlainCalculator:
    """Everything that a model predicts for one patient."""

    def __init__(self, model: Json, stratum: type[Stratum] = Stratum) -> None:
        self.model = model
        self.strata = {name: stratum(data) for name, data in model["strata"].items()}

    def __call__(self, patient: Json) -> Json:
        """Survival, spans with their limits, their explanation and what the unknown answers could change."""
        name, s = str(patient["features"][self.model["stratum_feature"]["name"]]), patient["alive_months"]
        stratum = self.strata[name]
        asked = [f for f in self.model["features"] if name in f.get("strata", [name])]
        answers = {f["name"]: patient["features"].get(f["name"], UNKNOWN) for f in asked}
        known = tuple((feature, answer) for feature, answer in answers.items() if answer != UNKNOWN)
        later = [t for t in self.model["horizons_months"] if s < t <= stratum.last] or [stratum.last]
        horizon = self.model["headline_months"] if self.model["headline_months"] in later else later[0]
        unknown = [ranges(stratum, known, s, horizon, f) for f in asked if answers[f["name"]] == UNKNOWN]
        contributions = [contribution(stratum, known, s, horizon, f) for f in asked if f["name"] in dict(known)]
        estimate, *limits = stratum.curves(known, s)
        worst, first, middle, third, best = (reached(estimate, s, level) for level in LEVELS)
        about = {level: [reached(limit, s, level) for limit in limits] for level in LEVELS}
        return {
            "survival": [triple(stratum, known, s, t) for t in later],
            "spans": {
                "median_months": middle,
                "worst_tenth_months": worst,
                "middle_half_months": [first, third],
                "best_tenth_months": best,
            },
            "span_limits": {
                "median_months": about[0.5],
                "worst_tenth_months": about[0.9],
                "middle_half_months": [about[0.75], about[0.25]],
                "best_tenth_months": about[0.1],
            },
            "explanation": {
                "horizon_months": horizon,
                "reference_survival": stratum.survival((), s, horizon),
                "survival": stratum.survival(known, s, horizon),
                "contributions": contributions,
            },
            "unknown": unknown,
        }


def reached(curve: Sequence[float], s: int, level: float) -> float | None:
    """Month at which a curve, straight from month to month, first is as low as the level."""
    for month, (before, after) in enumerate(pairwise(curve), start=s):
        if after <= level:
            return month + (before - level) / (before - after)
    return None


def triple(stratum: Stratum, known: Answers, s: int, t: int) -> Json:
    """Survival at a horizon with its limits."""
    lower, upper = stratum.limits(known, s, t)
    return {"months": t, "estimate": stratum.survival(known, s, t), "lower": lower, "upper": upper}


def contribution(stratum: Stratum, known: Answers, s: int, t: int, feature: Json) -> Json:
    """What one known answer adds to survival or takes from it: its Shapley value, and its hazard ratio."""
    name, answer, against = feature["name"], dict(known)[feature["name"]], feature["reference"]
    points, n = 0.0, len(known)
    for size in range(n):
        share = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
        for others in combinations([one for one in known if one[0] != name], size):
            joined = tuple(one for one in known if one in others or one[0] == name)
            points += 100 * share * (stratum.survival(joined, s, t) - stratum.survival(others, s, t))
    ratio, lower, upper = stratum.hazard_ratio(name, answer, against)
    return {
        "feature": name,
        "value": answer,
        "hazard_ratio": ratio,
        "hazard_ratio_lower": lower,
        "hazard_ratio_upper": upper,
        "hazard_ratio_against": against,
        "hazard_ratios": [],
        "points": points,
    }


def ranges(stratum: Stratum, known: Answers, s: int, t: int, feature: Json) -> Json:
    """Least and greatest survival that the answer to one open question could give."""
    name = feature["name"]
    outcomes = [(stratum.survival((*known, (name, value)), s, t), value) for value in possible_values(stratum, feature)]
    (lowest, low), (highest, high) = (best(outcomes, key=lambda outcome: outcome[0]) for best in (min, max))
    return {"feature": name, "lowest": lowest, "highest": highest, "lowest_value": low, "highest_value": high}


def possible_values(stratum: Stratum, feature: Json) -> list[Answer]:
    """The levels of a feature; of a number, the values that its atoms have."""
    if "levels" in feature:
        return [level["code"] for level in feature["levels"]]
    name = feature["name"]
    return [a[b["features"].index(name)] for b in stratum.blocks if name in b["features"] for a in b["atoms"]]


def column(term: Json, answer: Answer) -> float:
    """What one column of the design makes of an answer."""
    if term["transformation"] == "level":
        return float(answer == term["level"])
    return math.log(float(answer)) if term["transformation"] == "log" else float(answer)


def agreement(block: Json, atom: list[Answer], answers: dict[str, Answer]) -> int:
    """With how many of the known answers joint values agree; numbers do when they are in one bin."""

    def bin_of(name: str, value: Answer) -> Answer:
        return sum(edge <= float(value) for edge in block["edges"][name]) if name in block["edges"] else value

    pairs = [pair for pair in zip(block["features"], atom, strict=True) if pair[0] in answers]
    return sum(bin_of(name, answers[name]) == bin_of(name, value) for name, value in pairs)


def mean(values: Vector) -> float:
    """Average over the fits."""
    return sum(values) / len(values)


def dot(a: Vector, b: Vector) -> float:
    """Sum of products."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def quadratic(a: Vector, matrix: Sequence[Vector]) -> float:
    """Variance along a direction."""
    return dot(a, [dot(row, a) for row in matrix])
