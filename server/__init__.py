"""Translate in, translate out, decide nothing: a model's predictions as pages, JSON and tables.

No module here names a feature; all of them come from the model that is served.
"""
