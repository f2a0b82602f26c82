"""Every page of every model: the form, the result, the card, a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.pages.assets import Asset, read_assets
from server.pages.card import card_view
from server.pages.form import Form, prepare_form
from server.pages.questions import Refusal
from server.pages.result import Result
from server.pages.result_page import ResultPage, prepare_result_page
from server.pages.sites import Site, sites_of
from server.served import Served
from server.wording.words import TEMPLATES


@dataclass(frozen=True, slots=True)
class Pages:
    """Everything that a page is made of, made once."""

    environment: Environment
    assets: Mapping[str, Asset]
    sites: Mapping[str, Site]
    forms: Mapping[str, Form]
    results: Mapping[tuple[str, str], ResultPage]
    """By model and stratum."""

    def start(
        self, served: Served, entered: Mapping[str, str], problems: Mapping[str, str], refused: tuple[Refusal, ...]
    ) -> str:
        """The form; with problems, what was entered and the summary of what is wrong."""
        form = self.forms[served.model.name].filled(entered, problems)
        return self._print("start.html", served, form=form, refused=refused)

    def result(self, served: Served, entered: Mapping[str, str], result: Result) -> str:
        """One prediction, and the form with what was entered."""
        form = self.forms[served.model.name].filled(entered, {})
        return self.results[served.model.name, result.stratum].print(result, form)

    def card(self, served: Served) -> str:
        """The card of one model."""
        return self._print("card.html", served, card=card_view(served))

    def message(self, served: Served, title: str, detail: str) -> str:
        """Why a request cannot be answered."""
        return self._print("message.html", served, title=title, detail=detail)

    def _print(self, template: str, served: Served, **parts: object) -> str:
        model = served.model
        return self.environment.get_template(template).render(
            site=self.sites[model.name], model=model, about=model.about, **parts
        )


def prepare_pages(served: Mapping[str, Served], root: str) -> Pages:
    """Print everything that no patient changes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    assets = read_assets(max(len(one.model.features.stratum.levels) for one in served.values()))
    sites = sites_of(served, root, assets)
    return Pages(
        environment=environment,
        assets=assets,
        sites=sites,
        forms={name: prepare_form(environment, one, sites[name]) for name, one in served.items()},
        results={
            (name, stratum): prepare_result_page(environment, one, stratum, sites[name])
            for name, one in served.items()
            for stratum in one.model.strata
        },
    )
