"""Every page of every model in one language: the form, the result, the card, a message, the page for a patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from server.pages.answering import Answered, Refused
from server.pages.assets import Asset, read_assets
from server.pages.card import card_view
from server.pages.for_patients import ForPatient
from server.pages.form import STANDING_ALONE, Form, OpenedForm, prepare_form
from server.pages.printing import Html
from server.pages.recorded import Recorded, banner_shown, record_shown
from server.pages.result_page import ResultPage, prepare_result_page
from server.pages.sites import LAUNCHED, Site, sites_of
from server.served import Served
from server.wording.language import Language
from server.wording.words import translated_environment


@dataclass(frozen=True, slots=True)
class Pages:
    """Everything that a page is made of, made once."""

    environment: Environment
    banner: Callable[[Site, str, tuple[str, ...], str], Markup]
    assets: Mapping[str, Asset]
    sites: Mapping[str, Site]
    forms: Mapping[str, Form]
    results: Mapping[tuple[str, str], ResultPage]
    """By model and stratum."""

    def start(self, served: Served, recorded: Recorded | None = None) -> str:
        """The form: empty, or filled in with what the record that it was opened from says, to be confirmed."""
        entered = {} if recorded is None else recorded.findings.filled
        form = self._form(served, entered, {}, recorded, frozenset())
        return self._print("start.html", served, recorded, form=form, refused=(), notice=None)

    def refused(self, refused: Refused, *, whole: bool) -> str:
        """The form with what was entered and the summary of what is wrong; without the page around it if not whole."""
        form = self._form(refused.served, refused.entered, refused.sentences, refused.recorded, refused.confirmed)
        template = "start.html" if whole else "start_main.html"
        return self._print(template, refused.served, refused.recorded, form=form, refused=refused.refusals, notice=None)

    def by_hand(self, served: Served, entered: Mapping[str, str], title: str, detail: str) -> str:
        """The form with what was entered, after a launch that cannot go on: what happened stands first."""
        form = self._form(served, entered, {}, None, frozenset())
        return self._print("start.html", served, None, form=form, refused=(), notice=(title, detail))

    def result(self, answered: Answered, *, whole: bool, saved: str | None = None) -> str:
        """One prediction, and the form with what was entered; without the page around them if not whole.

        ``saved`` is what became of it in the record, where that was asked for.
        """
        served, recorded = answered.served, answered.recorded
        form = self._form(served, answered.entered, {}, recorded, answered.origin.confirmed, changing=True)
        page = self.results[served.model.name, answered.result.stratum]
        if whole:
            return _placed(page.print(answered, form, self._banner(served, recorded), saved), recorded)
        return _placed(page.fragment(answered, form, saved), recorded)

    def for_patient(self, answered: Answered, told: ForPatient) -> str:
        """One prediction in plain words."""
        return self._print("for_patients.html", answered.served, answered.recorded, told=told, sent=answered.carried)

    def card(self, served: Served) -> str:
        """The card of one model."""
        return self._print("card.html", served, None, card=card_view(served))

    def ehrs(self, served: Served, ehrs: Mapping[str, str]) -> str:
        """The EHRs from which the form can be opened: their names by the issuers that they are known by."""
        return self._print("ehrs.html", served, None, ehrs=ehrs)

    def message(self, served: Served, title: str, detail: str, *, wrong: bool = True) -> str:
        """Why a request cannot be answered; or what was done, where nothing is wrong."""
        return self._print("message.html", served, None, title=title, detail=detail, wrong=wrong)

    def _form(
        self,
        served: Served,
        entered: Mapping[str, str],
        problems: Mapping[str, str],
        recorded: Recorded | None,
        confirmed: frozenset[str],
        *,
        changing: bool = False,
    ) -> Html:
        opened = STANDING_ALONE
        if recorded is not None:
            opened = OpenedForm(recorded.sealed, record_shown(served, recorded, confirmed))
        return self.forms[served.model.name].filled(entered, problems, opened, changing=changing)

    def _banner(self, served: Served, recorded: Recorded | None) -> Html:
        if recorded is None:
            return Html()
        shown = banner_shown(served, recorded)
        return Html(self.banner(self.sites[served.model.name], shown.opened, shown.unread, recorded.closing))

    def _print(self, template: str, served: Served, recorded: Recorded | None, **parts: object) -> str:
        model = served.model
        page = self.environment.get_template(template).render(
            site=self.sites[model.name],
            model=model,
            about=model.about,
            language=served.language,
            status=served.language.sentences.say("status"),
            banner=self._banner(served, recorded),
            **parts,
        )
        return _placed(page, recorded)


def _placed(page: str, recorded: Recorded | None) -> str:
    """A page of a launch, leading to the place of that launch."""
    return page if recorded is None else page.replace(LAUNCHED, recorded.launch)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pages stand in: the same for every model and language."""

    root: str
    support_line: str | None
    portals: Sequence[str]


def prepare_pages(
    language: Language, served: Mapping[str, Served], around: Surroundings, *, launched: bool = False
) -> Pages:
    """Print everything that no patient changes; ``launched`` are the pages of launches."""
    environment = translated_environment(language.translations, autoescape=True)
    assets = read_assets(max(len(one.model.features.stratum.levels) for one in served.values()))
    sites = sites_of(
        served,
        around.root,
        f"{around.root}/l/{LAUNCHED}" if launched else around.root,
        assets,
        support_line=around.support_line,
        portals=around.portals,
    )
    return Pages(
        environment=environment,
        banner=vars(environment.get_template("banner.html").module)["banner"],
        assets=assets,
        sites=sites,
        forms={name: prepare_form(environment, one, sites[name]) for name, one in served.items()},
        results={
            (name, stratum): prepare_result_page(environment, one, stratum, sites[name])
            for name, one in served.items()
            for stratum in one.model.strata
        },
    )
