"""How a model is made, checked and recalibrated: scikit-survival, pandas, joblib."""
