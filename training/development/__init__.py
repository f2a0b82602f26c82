"""A model developed on a hospital's own registry: imputation, selection, fits, pooling, and how it is written."""
