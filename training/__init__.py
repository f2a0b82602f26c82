"""How a model is made: scikit-survival, pandas, joblib."""
