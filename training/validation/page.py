"""A report as a page that stands alone: HTML with its figures as SVG, no script and nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from training.artefact import OutputOccupied
from training.development.card import figure, group_row, performance
from training.validation.figures import calibration_figures, decision_figures

HTML, JSON = "report.html", "report.json"


def refuse_other_files(folder: Path) -> None:
    """Raise OutputOccupied where a report's folder holds anything but a report."""
    if folder.exists() and (not folder.is_dir() or any(path.name not in (HTML, JSON) for path in folder.iterdir())):
        message = f"{folder} holds files that are not a report. Name a folder that does not exist yet, or an empty one."
        raise OutputOccupied(message)


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write the report as HTML and JSON. Raises OutputOccupied."""
    refuse_other_files(folder)
    html, text = page_of(report), json.dumps(report, allow_nan=False, ensure_ascii=False, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HTML).write_text(html, encoding="utf-8")
    (folder / JSON).write_text(text, encoding="utf-8")


def page_of(report: Mapping[str, Any]) -> str:
    """The report as HTML."""
    environment = Environment(
        loader=FunctionLoader(lambda name: files("training").joinpath("validation", name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "heading": lambda key: str(key).replace("_", " ").capitalize()}
    measures = report["measures"]
    return environment.get_template("report.html").render(
        report=report,
        measures=measures,
        calibrations=calibration_figures(measures),
        decisions=decision_figures(measures),
        optimism=performance(report["optimism"]) if "optimism" in report else [],
        groups=[group_row(row) for row in report["groups"]],
    )
