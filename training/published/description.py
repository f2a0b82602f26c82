"""The description of a model in TOML: what it asks and in which words. Figures come from elsewhere."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def default_description() -> dict[str, Any]:
    """The description of the default model."""
    return tomllib.loads(files("training").joinpath("published", "model.toml").read_text(encoding="utf-8"))
