"""Style sheet, script and icon, each at an address that changes with its content, so that it may be kept for long."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from server.wording.words import TEMPLATES

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    path: str
    version: str
    content: bytes
    media_type: str


def read_assets(strata: int) -> Mapping[str, Asset]:
    """The static files by name; the style sheet shows the questions of whichever of ``strata`` choices is made."""
    assets = {}
    for file in sorted((TEMPLATES / "static").iterdir()):
        content = file.read_bytes()
        if file.suffix == ".css":
            content += _rules_for_strata(strata).encode()
        version = hashlib.sha256(content).hexdigest()[:12]
        assets[file.name] = Asset(f"/static/{version}/{file.name}", version, content, MEDIA_TYPES[file.suffix])
    return assets


def _rules_for_strata(strata: int) -> str:
    """Show a question when the choice that it belongs to is made.

    Choices are known by position, so that nothing here depends on what a model calls them. Without ``:has()`` every
    question stays visible, with a line that says when it is asked.
    """
    shown = ",".join(f'form:has([data-stratum="{i}"]:checked) .asked-{i}' for i in range(strata))
    return (
        "@supports selector(:has(*)){.conditional:not(.has-problem){display:none}"
        f"{shown}{{display:block!important}}"
        ".asked-for{display:none}form:has([data-stratum]:checked) .choose-first{display:none}}"
        "@supports not selector(:has(*)){.choose-first{display:none}}"
    )
