"""What must agree within a specification, beyond the kind of each value."""

from __future__ import annotations

from collections.abc import Iterator

from model.features import ALIVE_MONTHS, UNKNOWN, Range
from training.registry.form import Bounds, FeatureForm, SpecificationForm

Problem = tuple[tuple[int | str, ...], str]


def problems_of(form: SpecificationForm) -> list[Problem]:
    """Every contradiction, as the path of a key and what is wrong with it and would be right."""
    return [*_times(form), *_strata(form), *_names(form), *_features(form), *_registry(form), *_fitting(form)]


def _times(form: SpecificationForm) -> Iterator[Problem]:
    horizons = form.horizons_months
    if horizons != sorted(set(horizons)):
        yield ("horizons_months",), f"must rise, and are {horizons}"
    if max(horizons) > form.support_months:
        yield ("horizons_months",), f"go beyond support_months, {form.support_months}"
    if form.headline_months not in horizons:
        yield ("headline_months",), f"must be one of the horizons {horizons}, and is {form.headline_months}"


def _strata(form: SpecificationForm) -> Iterator[Problem]:
    if (form.stratum_feature is None) == (form.population is None):
        yield (
            ("stratum_feature",),
            "or population must be given, and not both: what divides the patients, or who they are",
        )
    if form.stratum_feature is not None:
        if len(form.stratum_feature.levels) < 2 or form.stratum_feature.hard is not None:
            yield ("stratum_feature", "levels"), "must be two or more; with one stratum, give population instead"
        if form.stratum_feature.unknown is not None:
            yield ("stratum_feature", "unknown"), "cannot be given: the stratum must be known"


def _strata_names(form: SpecificationForm) -> list[str]:
    return ["all"] if form.stratum_feature is None else [level.code for level in form.stratum_feature.levels]


def _names(form: SpecificationForm) -> Iterator[Problem]:
    taken = {ALIVE_MONTHS, "model", "population" if form.stratum_feature is None else form.stratum_feature.name}
    for position, feature in enumerate(form.features):
        if feature.name in taken:
            yield ("features", position, "name"), f"{feature.name!r} is taken already: choose another name"
        taken.add(feature.name)
    for name in form.not_asked:
        if name not in _strata_names(form):
            yield ("not_asked", name), f"is no stratum; the strata are {_listed(_strata_names(form))}"


def _features(form: SpecificationForm) -> Iterator[Problem]:
    strata = _strata_names(form)
    for position, feature in enumerate(form.features):
        path = ("features", position)
        for key, said in (*_number(feature), *_category(feature), *_segments(feature, form.support_months)):
            yield (*path, *key), said
        for name in (*(feature.strata or ()), *feature.soft):
            if name not in strata:
                where = "strata" if name in (feature.strata or ()) else "soft"
                yield (*path, where), f"names {name!r}, which is no stratum; the strata are {_listed(strata)}"
        if (feature.unknown is None) != (feature.unknown_handling is None):
            yield (
                (*path, "unknown"),
                "and unknown_handling must be given together: the answer, and how it is dealt with",
            )
    if form.stratum_feature is not None:
        for key, said in _codes(form.stratum_feature):
            yield ("stratum_feature", *key), said


def _number(feature: FeatureForm) -> Iterator[Problem]:
    hard = feature.hard
    if (hard is None) == (not feature.levels):
        yield ("hard",), "or levels must be given, and not both: it is a number or a category"
        return
    if hard is None:
        return
    if hard.low >= hard.high:
        yield ("hard",), f"low {hard.low:g} must be below high {hard.high:g}"
    if feature.unit is None:
        yield ("unit",), "must be given for a number"
    if feature.transformation is None:
        yield ("transformation",), "must be given for a number: identity, log or rcs"
    if feature.transformation == "log" and (hard.low < 0 or (hard.low == 0 and not hard.low_open)):
        yield ("hard",), "must be above 0 for a logarithm: low_open = true, or a low above 0"
    if not isinstance(feature.reference, float | int) or not _inside(hard, float(feature.reference)):
        yield ("reference",), f"must be a number in the hard range, and is {feature.reference!r}"
    for name, soft in feature.soft.items():
        if soft.low >= soft.high or soft.low < hard.low or soft.high > hard.high:
            yield ("soft", name), "must be a range within the hard one"
    yield from _knots(feature, hard)


def _knots(feature: FeatureForm, hard: Bounds) -> Iterator[Problem]:
    knots = feature.knots
    if (feature.transformation == "rcs") != (knots is not None):
        yield ("knots",), "belong to the transformation rcs, and must be given with it"
    elif knots is not None and (
        len(knots) < 3 or knots != sorted(set(knots)) or not all(_inside(hard, knot) for knot in knots)
    ):
        yield ("knots",), "must be three or more, rising, and inside the hard range"


def _category(feature: FeatureForm) -> Iterator[Problem]:
    if not feature.levels:
        return
    for key in ("transformation", "knots", "unit"):
        if getattr(feature, key) is not None:
            yield (key,), "belongs to numbers, and this has levels"
    if len(feature.levels) < 2:
        yield ("levels",), "must be two or more"
    if feature.reference not in [level.code for level in feature.levels]:
        yield ("reference",), f"must be one of the levels' codes, and is {feature.reference!r}"
    yield from _codes(feature)


def _codes(feature: FeatureForm) -> Iterator[Problem]:
    seen: set[str] = {UNKNOWN}
    written: set[str] = set()
    for position, level in enumerate(feature.levels):
        if level.code in seen:
            yield ("levels", position, "code"), f"{level.code!r} is taken already, or means not known"
        seen.add(level.code)
        codes = level.codes or [level.code]
        twice = written.intersection(codes)
        if twice:
            yield ("levels", position, "codes"), f"{_listed(sorted(twice))} stands for another level already"
        written.update(codes)


def _segments(feature: FeatureForm, support: int) -> Iterator[Problem]:
    cuts = feature.segments_months
    if cuts != sorted(set(cuts)) or any(cut >= support for cut in cuts):
        yield ("segments_months",), f"must be rising months before support_months, {support}, and are {cuts}"


def _registry(form: SpecificationForm) -> Iterator[Problem]:
    registry = form.registry
    both = set(registry.dead) & set(registry.alive)
    if both:
        yield ("registry", "dead"), f"and alive both have {_listed(sorted(both))}"
    for position, rule in enumerate(registry.eligible):
        numbers = rule.at_least is not None or rule.at_most is not None
        if numbers == (rule.one_of is not None):
            yield ("registry", "eligible", position), "needs at_least or at_most, or else one_of"


def _fitting(form: SpecificationForm) -> Iterator[Problem]:
    cuts = {tuple(feature.segments_months) for feature in form.features if feature.segments_months}
    if len(cuts) > 1:
        yield ("features",), f"have different segments_months, {sorted(cuts)}; all that have some must have the same"
    if form.fitting.coefficients == "shared":
        for position, feature in enumerate(form.features):
            if feature.strata is not None and set(feature.strata) != set(_strata_names(form)):
                yield ("features", position, "strata"), "must be all of them where coefficients are shared"


def _inside(bounds: Bounds, value: float) -> bool:
    allowed = Range(bounds.low, bounds.high, bounds.low_open, bounds.high_open)
    return not allowed.below(value) and not allowed.above(value)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
