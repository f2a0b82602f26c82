"""Pictures of the real pages, as the documentation shows them: ``python -m benchmarks.screenshots --model DIR``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import click
from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import running

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
HEADLESS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENTS: Mapping[str, Mapping[str, str]] = {
    "local": {"pattern": "local", "interval_months": "24", "resection": "yes"},
    "distant": {"pattern": "distant", "interval_months": "14", "subtype": "unknown"},
    "both": {"pattern": "both"},
}
WIDTHS = {"local": (1280, 320), "distant": (768,), "both": (1280,)}


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), required=True)
def main(folder: Path) -> None:
    """Start the server, fill the form, take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    command = ["rps_prognosis", "serve", "--model", str(folder)]
    with running(command) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=HEADLESS)
        address = f"http://127.0.0.1:{server.port}/"
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.screenshot(path=FOLDER / "form-1280.png")
        for name, answers in PATIENTS.items():
            for width in WIDTHS[name]:
                page = browser.new_page(viewport={"width": width, "height": 900})
                page.goto(address)
                _fill(page, answers)
                page.get_by_role("button", name="Predict survival").click()
                page.screenshot(path=FOLDER / f"result-{name}-{width}.png", full_page=True)
        browser.close()


def _fill(page: Page, answers: Mapping[str, str]) -> None:
    for name, value in answers.items():
        field = page.locator(f"input[name={name}]")
        if field.first.get_attribute("type") == "radio":
            page.locator(f"input[name={name}][value={value}]").check()
        else:
            field.fill(value)


if __name__ == "__main__":
    main()
