"""How many patients a model needs: the criteria of Riley et al. for a survival outcome.

Riley RD, Snell KIE, Ensor J, et al. Minimum sample size for developing a multivariable prediction model: PART II -
binary and time-to-event outcomes. Stat Med 2019;38:1276-1296.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHRINKAGE = 0.9
OPTIMISM = 0.05
MARGIN = 0.05
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Population:
    """What the criteria need to know: deaths per month, mean follow-up and the time of interest in months, and R²."""

    rate: float
    mean_follow_up: float
    horizon: float
    r_squared: float
    """Cox and Snell's, adjusted for optimism."""


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Patients needed for each criterion, and the deaths and the deaths per parameter that the largest implies."""

    shrinkage: int
    """So that coefficients need to be shrunk by a tenth at most."""
    optimism: int
    """So that the apparent and the adjusted share of R² differ by 0.05 at most."""
    overall_risk: int
    """So that the overall risk at the horizon is known to within 0.05."""
    deaths: float
    deaths_per_parameter: float

    @property
    def patients(self) -> int:
        """The largest of the three."""
        return max(self.shrinkage, self.optimism, self.overall_risk)


def adjusted_r_squared(improvement: float, patients: int, parameters: int) -> float:
    """Cox and Snell's R² of a fit whose log likelihood is better than without predictors by ``improvement``.

    Adjusted by the heuristic shrinkage of van Houwelingen and le Cessie; not above zero where the fit is no better
    than chance.
    """
    if improvement <= 0:
        return 0.0
    shrinkage = 1 - parameters / (2 * improvement)
    return shrinkage * (1 - math.exp(-2 * improvement / patients))


def riley_criteria(population: Population, parameters: int) -> SampleSize:
    """Patients needed to estimate this many parameters. Raises ValueError where R² is not between 0 and its maximum."""
    per_patient = population.rate * population.mean_follow_up
    most = 1 - math.exp(2 * per_patient * (math.log(per_patient) - 1))
    r_squared = population.r_squared
    if not 0 < r_squared < min(most, SHRINKAGE):
        message = f"R² must be above 0 and below {min(most, SHRINKAGE):.3f}, and is {r_squared:.3f}"
        raise ValueError(message)

    def for_shrinkage(shrinkage: float) -> int:
        return math.ceil(parameters / ((shrinkage - 1) * math.log(1 - r_squared / shrinkage)))

    lever = math.log(1 + MARGIN * math.exp(population.rate * population.horizon))
    person_time = population.rate * (Z * population.horizon / lever) ** 2
    sizes = (
        for_shrinkage(SHRINKAGE),
        for_shrinkage(r_squared / (r_squared + OPTIMISM * most)),
        math.ceil(person_time / population.mean_follow_up),
    )
    deaths = max(sizes) * per_patient
    return SampleSize(*sizes, deaths=deaths, deaths_per_parameter=deaths / parameters)
