"""Pictures of the real pages, as the documentation shows them: ``python -m benchmarks.screenshots --model DIR``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import click
from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import running
from model.artefact import Artefact, read_artefact
from tests import records
from tests.hospitals import ANNA, browsing_at_work, hospital, opened_here, predict, save, visiting

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
HEADLESS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = {"pattern": "local", "interval_months": "24", "resection": "yes", "alive_months": "4"}
DISTANT = {"pattern": "distant", "interval_months": "14", "subtype": "unknown"}
BOTH = {"pattern": "both"}
WRONG = {"pattern": "distant", "interval_months": "7,5"}


def _nothing(page: Page) -> None:
    """Leave the page as it is."""


def _compare(page: Page) -> None:
    page.locator("details.comparison summary").click()
    page.locator("details.comparison select").last.select_option(index=2)
    page.get_by_role("button", name="Show both").click()
    page.locator(".compared").wait_for()


def _for_patient(page: Page) -> None:
    page.get_by_role("button", name="Open the page for the patient").click()
    page.locator(".plain-words").wait_for()
    for summary in page.locator(".plain-words summary").all():
        summary.click()


def _format(name: str) -> Callable[[Page], None]:
    return lambda page: page.locator(f"#as-{name}").check()


@dataclass(frozen=True, slots=True)
class Picture:
    """One state of the pages, and how it is seen."""

    name: str
    width: int = 1280
    answers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[Page], None] = _nothing
    dark: bool = False
    part: str | None = None
    """What of the page is taken; all of it where that is None."""


PICTURES = (
    *(Picture(f"form-{width}", width) for width in (1280, 768, 320)),
    *(Picture(f"errors-{width}", width, WRONG) for width in (1280, 320)),
    *(Picture(f"result-local-{width}", width, LOCAL) for width in (1280, 768, 320)),
    Picture("result-local-dark", 1280, LOCAL, dark=True),
    Picture("result-distant-768", 768, DISTANT),
    Picture("result-both-1280", 1280, BOTH),
    *(
        Picture(f"format-{name}", 1280, LOCAL, _format(name), part=".formats")
        for name in ("people", "spans", "words", "table")
    ),
    *(Picture(f"comparison-{width}", width, LOCAL, _compare, part=".comparison") for width in (1280, 320)),
    *(Picture(f"patient-{width}", width, LOCAL, _for_patient) for width in (1280, 320)),
)


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), required=True)
def main(folder: Path) -> None:
    """Start the server, fill the form, take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    command = ["rps_prognosis", "serve", "--model", str(folder)]
    with running(command) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=HEADLESS)
        with click.progressbar(PICTURES, label="Pictures") as pictures:
            for picture in pictures:
                scheme: Literal["dark", "light"] = "dark" if picture.dark else "light"
                page = browser.new_page(viewport={"width": picture.width, "height": 900}, color_scheme=scheme)
                _take(page, f"http://127.0.0.1:{server.port}/", picture)
                page.close()
        for grey in (False, True):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            _take_paper(page, f"http://127.0.0.1:{server.port}/", grey=grey)
        browser.close()
    with tempfile.TemporaryDirectory() as place:
        _take_launched(read_artefact(folder), Path(place))


def _take_launched(artefact: Artefact, place: Path) -> None:
    """The form as an EHR opens it for a patient, who is invented like the EHR, and the result once it is written."""
    with hospital(place, artefact) as both, browsing_at_work(place / "browser") as browser:
        both.furnish()
        both.peer.put(
            [
                records.operation("anna-operation", "2024-03-01", ["anna-primary"]),
                records.histology(
                    "anna-histology", records.LMS, about=["anna-primary"], effectiveDateTime="2024-03-08"
                ),
                records.metastasis("anna-metastasis", "2025-12-05", ["anna-primary"]),
            ]
        )
        with visiting(browser, options={"viewport": {"width": 1280, "height": 900}}) as context:
            page = context.new_page()
            opened_here(page, both.open("pictures", ANNA), both.address)
            page.locator("form.patient").wait_for()
            page.screenshot(path=FOLDER / "launched-form.png", full_page=True)
            predict(page, "9")
            save(page)
            page.screenshot(path=FOLDER / "launched-result.png", full_page=True)


def _take(page: Page, address: str, picture: Picture) -> None:
    page.goto(address)
    if picture.answers:
        _fill(page, picture.answers)
        page.get_by_role("button", name="Predict survival").click()
        page.locator(".answered, .summary").first.wait_for()
    picture.then(page)
    file = FOLDER / f"{picture.name}.png"
    if picture.part is None:
        page.screenshot(path=file, full_page=True)
    else:
        page.locator(picture.part).screenshot(path=file)


def _take_paper(page: Page, address: str, *, grey: bool) -> None:
    """What print shows, as one long sheet; once without any colour."""
    page.goto(address)
    _fill(page, LOCAL)
    page.get_by_role("button", name="Predict survival").click()
    page.locator("article.result").wait_for()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    if grey:
        page.evaluate("document.documentElement.style.filter = 'grayscale(1)'")
    page.screenshot(path=FOLDER / f"print{'-grey' if grey else ''}.png", full_page=True)


def _fill(page: Page, answers: Mapping[str, str]) -> None:
    for name, value in answers.items():
        field = page.locator(f"form.patient input[name={name}]")
        if field.first.get_attribute("type") == "radio":
            page.locator(f"form.patient input[name={name}][value={value}]").check()
        else:
            field.first.fill(value)


if __name__ == "__main__":
    main()
