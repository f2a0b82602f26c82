"""A page as PDF: the same HTML and the same style sheet, with nothing fetched from anywhere."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from threading import Lock

import plutoprint

from server.pages.assets import Asset
from server.wording.words import TEMPLATES

NOWHERE = "paper:/"
"""Where the page claims to come from: addresses in it lead nowhere."""

FONTS = """<?xml version="1.0"?>
<fontconfig>
<dir>{fonts}</dir>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<cachedir>{cache}</cachedir>
</fontconfig>
"""

OTHER_FONTS = ("FONTCONFIG_FILE", "FONTCONFIG_SYSROOT")
"""What in the environment of a server would lead past these settings, to other fonts or to none."""

_printing = Lock()


class OnlyTheStyle(plutoprint.ResourceFetcher):
    """Gives out the style sheet and refuses everything else, the network first of all."""

    def __init__(self, style: Asset) -> None:
        super().__init__()
        self.style = style

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        """The style sheet. Raises LookupError for any other address."""
        if not url.endswith(self.style.path):
            message = "A page on paper fetches nothing."
            raise LookupError(message)
        content = self.style.content + (TEMPLATES / "paper.css").read_bytes()
        return plutoprint.ResourceData(content, "text/css", "utf-8")


def pdf_of(page: str, style: Asset, title: str) -> bytes:
    """A whole page of ours on A4."""
    with _printing:
        _use_own_fonts()
        book = plutoprint.Book(plutoprint.PAGE_SIZE_A4, plutoprint.PAGE_MARGINS_NARROW, plutoprint.MEDIA_TYPE_PRINT)
        book.custom_resource_fetcher = OnlyTheStyle(style)
        book.set_metadata(plutoprint.PDF_METADATA_TITLE, title)
        book.load_html(page, base_url=NOWHERE)
        written = BytesIO()
        book.write_to_pdf_stream(written)
    return written.getvalue()


@cache
def _use_own_fonts() -> tempfile.TemporaryDirectory[str]:
    """Source Sans comes with a package, so that a machine without fonts prints too, and all print the same.

    The folder lives as long as the program.
    """
    folder = tempfile.TemporaryDirectory(prefix="rps-fonts-")
    fonts = files("font_source_sans_pro").joinpath("files")
    settings = FONTS.format(fonts=fonts, cache=Path(folder.name, "cache"))
    Path(folder.name, "fonts.conf").write_text(settings, encoding="utf-8")
    for name in OTHER_FONTS:
        os.environ.pop(name, None)
    plutoprint.plutobook_set_fontconfig_path(folder.name)
    return folder
