"""Cox regression: risk sets, coefficients, penalties, segments of time, and the tests of what is assumed."""
