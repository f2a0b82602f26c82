"""The default model: from published figures to cohorts that agree with them, and to a model folder."""
