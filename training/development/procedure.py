"""The whole way from a cohort to the numbers of a model: imputation, selection, penalty, fits, pooling.

Everything that looks at the outcome is in here, so that a bootstrap that repeats it measures all of its optimism.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.features import Feature
from model.fitted import Fits, Stratum, Support, Term
from training.development.design import design_of
from training.development.distribution import distribution, likeness
from training.development.imputation import impute
from training.fitting.cox import CoxFit, fit_cox, wald_p
from training.fitting.penalty import aic_ridge
from training.fitting.segments import expand_segments
from training.fitting.survival_data import SurvivalData
from training.registry.cohort import Cohort
from training.registry.specification import Specification

Array = NDArray[np.float64]


class NotFitted(ValueError):
    """A stratum cannot be fitted; the message says which and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Patients who share coefficients: one stratum, or all of them; with everything that was imputed."""

    strata: tuple[str, ...]
    features: tuple[Feature, ...]
    cuts: tuple[int, ...]
    cohort: Cohort
    imputed: tuple[pd.DataFrame, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Developed:
    """One group's fits, one for each imputed data set, and the strata that they make."""

    group: Group
    terms: tuple[Term, ...]
    """Columns of the design, each in its segment of time if it has one."""
    plain_terms: tuple[Term, ...]
    """The same without segments."""
    centre: Array
    """(plain terms,) Subtracted from the design."""
    fits: tuple[CoxFit, ...]
    ridge: float
    dropped: tuple[str, ...]
    """Predictors that selection left out."""
    strata: Mapping[str, Stratum]


def develop(cohort: Cohort, rng: np.random.Generator) -> tuple[Developed, ...]:
    """Everything that the specification asks for, in the order of its strata. Raises NotFitted."""
    return tuple(_developed(group) for group in groups(cohort, rng))


def groups(cohort: Cohort, rng: np.random.Generator) -> tuple[Group, ...]:
    """The patients who are fitted together, imputed."""
    specification = cohort.specification
    names = specification.strata
    together = [names] if specification.fitting.coefficients == "shared" else [(name,) for name in names]
    return tuple(_group(cohort.of_strata(strata), strata, rng) for strata in together)


def _group(cohort: Cohort, strata: tuple[str, ...], rng: np.random.Generator) -> Group:
    specification = cohort.specification
    features = tuple(feature for feature in specification.features if feature.used_in(strata[0]))
    outcome = pd.DataFrame(
        {"time": cohort.time, "event": cohort.event, "entry": cohort.entry_or_zero, "stratum": cohort.stratum}
    )
    imputed = impute(
        specification,
        cohort.patients[[feature.name for feature in features]],
        outcome,
        count=specification.fitting.imputations,
        rng=rng,
    )
    return Group(strata, features, _cuts(specification, features), cohort, tuple(imputed))


def _cuts(specification: Specification, features: Sequence[Feature]) -> tuple[int, ...]:
    return next((cuts for feature in features if (cuts := specification.segments(feature.name))), ())


def _developed(group: Group) -> Developed:
    specification, features, dropped = group.cohort.specification, group.features, []
    threshold = specification.fitting.selection_p
    while True:
        plain_terms = tuple(term for feature in features for term in specification.terms(feature.name))
        fitted = _fit(group, plain_terms)
        least = None if threshold is None else _least(fitted, features)
        if threshold is None or least is None or least[1] <= threshold:
            break
        dropped.append(least[0])
        features = tuple(feature for feature in features if feature.name != least[0])
    strata = {name: _stratum(name, group, features, fitted) for name in group.strata}
    return Developed(
        group=group,
        terms=fitted.terms,
        plain_terms=plain_terms,
        centre=fitted.centre,
        fits=fitted.fits,
        ridge=fitted.ridge,
        dropped=tuple(dropped),
        strata=strata,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    terms: tuple[Term, ...]
    centre: Array
    long_centre: Array
    fits: tuple[CoxFit, ...]
    ridge: float


def _fit(group: Group, plain_terms: tuple[Term, ...]) -> _Fitted:
    specification = group.cohort.specification
    designs = [design_of(imputed, plain_terms) for imputed in group.imputed]
    centre = np.asarray(np.mean([design.mean(axis=0) for design in designs], axis=0))
    segmented = np.array([bool(specification.segments(term.feature)) for term in plain_terms], dtype=bool)
    data = [survival_data(group.cohort, design - centre) for design in designs]
    terms, columns = plain_terms, list(range(len(plain_terms)))
    if segmented.any():
        expanded = [expand_segments(one, group.cuts, segmented) for one in data]
        data, places = [one for one, _ in expanded], expanded[0][1]
        terms = tuple(replace(plain_terms[column], segment=segment) for column, segment in places)
        columns = [column for column, _ in places]
    ridge = specification.fitting.ridge
    penalty = float(np.exp(np.mean(np.log([aic_ridge(one) for one in data])))) if ridge == "aic" else float(ridge)
    try:
        fits = tuple(fit_cox(one, ridge=penalty) for one in data)
    except ValueError as error:
        names = ", ".join(f"{position} {term.name}" for position, term in enumerate(terms))
        message = f"{' and '.join(group.strata)}: {error} (columns: {names})"
        raise NotFitted(message) from error
    return _Fitted(terms, centre, centre[columns], fits, penalty)


def survival_data(cohort: Cohort, design: Array) -> SurvivalData:
    """A cohort's outcome beside a design."""
    return SurvivalData(design, cohort.time, cohort.event, cohort.entry, None, cohort.stratum)


def pooled(fits: Sequence[CoxFit]) -> tuple[Array, Array]:
    """Coefficients (p,) and their covariance (p, p) by Rubin's rules."""
    coefficients = np.array([fit.coefficients for fit in fits])
    within = np.mean([fit.covariance for fit in fits], axis=0)
    deviation, m = coefficients - coefficients.mean(axis=0), len(fits)
    between = deviation.T @ deviation * (1 + 1 / m) / (m - 1) if m > 1 else 0.0
    return np.asarray(coefficients.mean(axis=0)), np.asarray(within + between)


def pooled_wald_p(fits: Sequence[CoxFit], columns: Sequence[int]) -> float:
    """P of the pooled Wald test that these coefficients are all zero."""
    coefficients, covariance = pooled(fits)
    return wald_p(coefficients[list(columns)], covariance[np.ix_(list(columns), list(columns))])


def _least(fitted: _Fitted, features: Sequence[Feature]) -> tuple[str, float] | None:
    """The predictor with the largest Wald P, and that P; None where there is no predictor."""
    found = []
    for feature in features:
        columns = [column for column, term in enumerate(fitted.terms) if term.feature == feature.name]
        found.append((feature.name, pooled_wald_p(fitted.fits, columns)))
    return max(found, key=lambda pair: pair[1], default=None)


def _stratum(name: str, group: Group, features: Sequence[Feature], fitted: _Fitted) -> Stratum:
    specification, own = group.cohort.specification, group.cohort.stratum == name
    months = np.arange(specification.support_months + 1)
    sums = [fit.risk_sets[name].cumulative(months.astype(float)) for fit in fitted.fits]
    coefficients = np.mean([fit.coefficients for fit in fitted.fits], axis=0)
    imputed = [one[own] for one in group.imputed]
    return Stratum(
        name=name,
        months=months,
        terms=fitted.terms,
        centre=fitted.long_centre,
        fits=Fits(
            coefficients=np.array([fit.coefficients for fit in fitted.fits]),
            covariance=np.array([fit.covariance for fit in fitted.fits]),
            hazard=np.array([hazard for hazard, _, _ in sums]),
            hazard_variance=np.array([variance for _, variance, _ in sums]),
            hazard_gradient=np.array([gradient for _, _, gradient in sums]),
        ),
        blocks=distribution(features, imputed, fitted.terms, coefficients),
        support=Support(int(own.sum()), int(group.cohort.event[own].sum()), "registry"),
        cuts=group.cuts if any(term.segment is not None for term in fitted.terms) else (),
        likeness=likeness(features, group.cohort.patients[own], group.cohort.event[own]) if features else None,
    )
