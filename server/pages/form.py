"""The form as it is printed: each question once for every answer that it can show, so that to show it is cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from server.entering.sent import LAUNCH
from server.pages.printing import Html, Piece, hole, joined, piece_of, preprinted
from server.pages.questions import Question
from server.pages.recorded import RecordShown
from server.pages.sites import Site
from server.served import Served

Asked = Callable[[Question, bool, str, str | None, Mapping[str, str], RecordShown | None], Markup]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question, printed: by the choice that is made ("" for none), and for a number with a hole for it."""

    question: Question
    divides: bool
    by_choice: Mapping[str, Html]
    typed: Piece | None


@dataclass(frozen=True, slots=True)
class OpenedForm:
    """What a form shows of the record that it was opened from, and what ties it to that launch."""

    sealed: str
    shown: Mapping[str, RecordShown]


STANDING_ALONE = OpenedForm("", {})


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one model."""

    empty: Piece
    changing: Piece
    questions: tuple[AskedQuestion, ...]
    asked: Asked
    launch: Piece

    def filled(
        self,
        entered: Mapping[str, str],
        problems: Mapping[str, str],
        opened: OpenedForm = STANDING_ALONE,
        *,
        changing: bool = False,
    ) -> Html:
        """The form with what was entered and what was wrong with it; beside a result it is there to be changed."""
        frame = self.changing if changing else self.empty
        return frame.fill(
            asked=joined([self._question(question, entered, problems, opened.shown) for question in self.questions]),
            launch=self.launch.fill(sealed=opened.sealed) if opened.sealed else "",
        )

    def _question(
        self,
        asked: AskedQuestion,
        entered: Mapping[str, str],
        problems: Mapping[str, str],
        shown: Mapping[str, RecordShown],
    ) -> Html:
        name = asked.question.name
        given, problem = entered.get(name, ""), problems.get(name)
        days = {date.name: entered[date.name] for date in asked.question.dates if entered.get(date.name)}
        if problem is not None or days or name in shown:
            return Html(self.asked(asked.question, asked.divides, given, problem, days, shown.get(name)))
        if given in asked.by_choice:
            return asked.by_choice[given]
        return asked.by_choice[""] if asked.typed is None else asked.typed.fill(given=given)


def prepare_form(environment: Environment, served: Served, site: Site) -> Form:
    """Print the form of one model in every state but its problems."""
    ask: Asked = vars(environment.get_template("question.html").module)["asked"]
    frame = environment.get_template("form.html")
    standing = {"site": site, "model": served.model, "about": served.model.about}
    return Form(
        empty=preprinted(frame, ["asked", "launch"], changing=False, **standing),
        changing=preprinted(frame, ["asked", "launch"], changing=True, **standing),
        questions=tuple(
            _printed(ask, question, divides=question.name == served.model.features.stratum.name)
            for question in served.questions
        ),
        asked=ask,
        launch=piece_of(f'<input type="hidden" name="{LAUNCH}" value="{hole("sealed")}">'),
    )


def _printed(ask: Asked, question: Question, *, divides: bool) -> AskedQuestion:
    answers = ["", *(choice.value for choice in question.choices)]
    return AskedQuestion(
        question=question,
        divides=divides,
        by_choice={answer: Html(ask(question, divides, answer, None, {}, None)) for answer in answers},
        typed=None
        if question.number_range is None
        else piece_of(ask(question, divides, hole("given"), None, {}, None)),
    )
