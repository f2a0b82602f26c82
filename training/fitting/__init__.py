"""Cox regression: the risk sets, and the coefficients."""
