"""Every page of every model in one language: the form, the result, the card, a message, the page for a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment

from server.pages.answering import Answered, Refused
from server.pages.assets import Asset, read_assets
from server.pages.card import card_view
from server.pages.for_patients import ForPatient
from server.pages.form import Form, prepare_form
from server.pages.result_page import ResultPage, prepare_result_page
from server.pages.sites import Site, sites_of
from server.served import Served
from server.wording.language import Language
from server.wording.words import translated_environment


@dataclass(frozen=True, slots=True)
class Pages:
    """Everything that a page is made of, made once."""

    environment: Environment
    assets: Mapping[str, Asset]
    sites: Mapping[str, Site]
    forms: Mapping[str, Form]
    results: Mapping[tuple[str, str], ResultPage]
    """By model and stratum."""

    def start(self, served: Served) -> str:
        """The empty form."""
        return self._print("start.html", served, form=self.forms[served.model.name].filled({}, {}), refused=())

    def refused(self, refused: Refused, *, whole: bool) -> str:
        """The form with what was entered and the summary of what is wrong; without the page around it if not whole."""
        form = self.forms[refused.served.model.name].filled(refused.entered, refused.sentences)
        template = "start.html" if whole else "start_main.html"
        return self._print(template, refused.served, form=form, refused=refused.refusals)

    def result(self, answered: Answered, *, whole: bool) -> str:
        """One prediction, and the form with what was entered; without the page around them if not whole."""
        name = answered.served.model.name
        form = self.forms[name].filled(answered.entered, {}, changing=True)
        page = self.results[name, answered.result.stratum]
        return page.print(answered, form) if whole else page.fragment(answered, form)

    def for_patient(self, answered: Answered, told: ForPatient) -> str:
        """One prediction in plain words."""
        return self._print("for_patients.html", answered.served, told=told, sent=answered.carried)

    def card(self, served: Served) -> str:
        """The card of one model."""
        return self._print("card.html", served, card=card_view(served))

    def message(self, served: Served, title: str, detail: str) -> str:
        """Why a request cannot be answered."""
        return self._print("message.html", served, title=title, detail=detail)

    def _print(self, template: str, served: Served, **parts: object) -> str:
        model = served.model
        return self.environment.get_template(template).render(
            site=self.sites[model.name],
            model=model,
            about=model.about,
            language=served.language,
            status=served.language.sentences.say("status"),
            **parts,
        )


def prepare_pages(
    language: Language, served: Mapping[str, Served], root: str, support_line: str | None, portals: Sequence[str]
) -> Pages:
    """Print everything that no patient changes."""
    environment = translated_environment(language.translations, autoescape=True)
    assets = read_assets(max(len(one.model.features.stratum.levels) for one in served.values()))
    sites = sites_of(served, root, assets, support_line, portals)
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
