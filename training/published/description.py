"""The description of the default model: what it asks and in which words. Figures come from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from training.registry.specification import Specification, read_specification


@cache
def default_specification() -> Specification:
    """The specification of the default model, in the form that a hospital's own has."""
    text = files("training").joinpath("published", "model.toml").read_text(encoding="utf-8")
    return read_specification(text, "model.toml")


def default_description() -> dict[str, Any]:
    """Its words and questions."""
    return default_specification().description()
