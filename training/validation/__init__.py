"""How well a model predicts: discrimination, calibration, overall error and benefit, with confidence intervals."""
