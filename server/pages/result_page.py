"""A result, printed: every part of it filled into the template that was printed for its stratum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from server.pages.answering import Answered
from server.pages.chart import axes_of
from server.pages.chart_page import print_chart
from server.pages.comparison import NotCompared
from server.pages.icons import circles, squares
from server.pages.printing import Html, Piece, joined, preprinted, preprinted_macros
from server.pages.result import Headline, Ratio, Result, Row, Way
from server.pages.sites import Site
from server.served import Served

HOLES = (
    *("announced", "running", "inputs", "group", "headlines", "left_out", "warnings", "cautions", "since", "like"),
    *("sentences", "way", "unknown", "ratios", "chart", "people", "spans", "words", "rows"),
    *("record", "comparison", "receipt", "saved"),
)
NOTHING = Html("")

Macros = Mapping[str, Callable[..., Markup]]


@dataclass(frozen=True, slots=True)
class ResultPage:
    """The result of one stratum, with holes."""

    article: Piece
    answered: Piece
    page: Piece
    page_refused: Piece
    """The page of a result beside which a comparison was asked for in vain."""
    parts: Mapping[str, Piece]
    curve: Mapping[str, Piece]
    record: Mapping[str, Piece]
    compared: Macros
    served: Served
    site: Site
    stratum: str

    def print(self, answered: Answered, form: Html, banner: Html, saved: str | None) -> Html:
        """The whole page of one result."""
        page = self.page_refused if isinstance(answered.compared, NotCompared) else self.page
        return page.fill(answered=self.fragment(answered, form, saved), banner=banner)

    def fragment(self, answered: Answered, form: Html, saved: str | None) -> Html:
        """What the page holds, for a page that is there already."""
        return self.answered.fill(article=self._article(answered, saved), form=form)

    def _article(self, answered: Answered, saved: str | None) -> Html:
        parts, result = self.parts, answered.result
        told, sent = result.told, self._sent(answered)
        return self.article.fill(
            announced=told.sentences[0],
            running=parts["running"].fill(
                inputs="; ".join([*self._named(answered), *self._inputs(result)]),
                id=result.receipt.id,
                time=result.time,
            ),
            inputs=joined([parts["input"].fill_from(given) for given in result.inputs]),
            group=result.group,
            headlines=joined(
                [self._headline(at) for at in result.headlines]
                + [parts["headline_beyond"].fill(time=time) for time in result.beyond]
            ),
            left_out=NOTHING if told.left_out is None else parts["quiet"].fill(text=told.left_out),
            warnings=joined([parts["warning"].fill(text=warning.text) for warning in told.warnings]),
            cautions=self._each("caution", dict.fromkeys(caution.text for caution in told.cautions)),
            since=NOTHING if told.since is None else parts["quiet"].fill(text=told.since),
            like=NOTHING if told.like is None else parts["quiet"].fill(text=told.like),
            sentences=self._each("said", told.sentences),
            way=self._way(result.way) if result.way.steps else NOTHING,
            unknown=joined(
                [
                    parts["unknown_closed" if one.closed else "unknown"].fill(
                        named=one.named, handling=one.handling or "", range=one.range
                    )
                    for one in told.unknown
                ]
            ),
            ratios=self._ratios(result.ratios) if result.ratios else NOTHING,
            chart=print_chart(self.curve, result.chart),
            people=joined([self._hundred(at) for at in result.headlines]),
            spans=self._each("item", result.spans),
            words=self._each("item", [at.words for at in result.headlines]),
            rows=joined([self._row(row) for row in result.rows]),
            saved=NOTHING if saved is None else parts["saved"].fill(text=saved),
            record=self._record(answered, sent),
            comparison=self._comparison(answered, sent),
            receipt=parts["receipt"].fill(id=result.receipt.id, time=result.time),
        )

    def _each(self, part: str, texts: Mapping[str, object] | list[str] | tuple[str, ...]) -> Html:
        return joined([self.parts[part].fill(text=text) for text in texts])

    def _inputs(self, result: Result) -> list[str]:
        return [self._said(given.label, given.value) for given in result.inputs]

    def _named(self, answered: Answered) -> list[str]:
        """Whose result it is, at the head of every sheet, where the record said so."""
        banner = None if answered.recorded is None else answered.recorded.banner
        if banner is None or not banner.name:
            return []
        language = self.served.language
        return [language.sentences.say("patient_named", name=banner.name, born=language.day_text(banner.born))]

    def _said(self, label: str, value: str) -> str:
        return self.served.language.sentences.say("note_pair", label=label, value=value)

    def _limits(self, lower: str | None, upper: str | None) -> Html:
        if lower is None:
            return self.parts["no_limits"].fill()
        return self.parts["limits"].fill(lower=lower, upper=upper)

    def _headline(self, at: Headline) -> Html:
        if at.lower is None:
            bar = self._bar("share", 0, at.share)
        else:
            width = at.upper_at - at.lower_at
            bar = self.parts["bar_with_interval"].fill(share=at.share, lower=at.lower_at, width=width)
        return self.parts["headline"].fill(
            time=at.time,
            from_then=at.from_then or "",
            alive=at.alive,
            limits=self._limits(at.lower, at.upper),
            not_alive=at.not_alive,
            bar=bar,
        )

    def _bar(self, kind: str, start: int, width: int) -> Html:
        return self.parts["bar"].fill(kind=kind, start=start, width=width)

    def _way(self, way: Way) -> Html:
        steps = [
            self.parts["step"].fill(
                label=step.label,
                value=step.value,
                points=step.points,
                bar=self._bar("step", step.bar_from, step.bar_width),
            )
            for step in way.steps
        ]
        return self.parts["way"].fill(
            time=way.time,
            start=way.start,
            start_bar=self._bar("other", 0, way.start_width),
            steps=joined(steps),
            end=way.end,
            end_bar=self._bar("share", 0, way.end_width),
        )

    def _hundred(self, at: Headline) -> Html:
        return self.parts["hundred"].fill(
            time=at.time,
            alive=at.alive,
            interval=at.interval,
            not_alive=at.not_alive,
            described=at.dots,
            squares=Html(squares(at.share)),
            circles=Html(circles(at.share)),
        )

    def _row(self, row: Row) -> Html:
        return self.parts["row"].fill(
            month=row.month,
            alive=row.alive,
            limits=self._limits(row.lower, row.upper),
            not_alive=row.not_alive,
            reference=row.reference,
        )

    def _ratios(self, ratios: tuple[Ratio, ...]) -> Html:
        filled = [
            self.parts["ratio"].fill(
                label=ratio.label,
                value=ratio.value,
                against=ratio.against,
                estimate=ratio.estimate,
                limits=self._limits(ratio.lower, ratio.upper),
            )
            for ratio in ratios
        ]
        return self.parts["ratios"].fill(ratios=joined(filled))

    def _sent(self, answered: Answered) -> Html:
        """What another form of the page sends along, unseen, so that it asks for this very result."""
        return joined([self.parts["hidden"].fill(name=name, value=value) for name, value in answered.carried.items()])

    def _record(self, answered: Answered, sent: Html) -> Html:
        patient = NOTHING
        if self.served.model.about.for_patients is not None:
            patient = self.record["patient_button"].fill(sent=sent)
        save = self._save(answered, sent)
        return self.record["record"].fill(note=answered.result.note, sent=sent, patient=patient, save=save)

    def _save(self, answered: Answered, sent: Html) -> Html:
        """The buttons that write the result to the record, where that may be done."""
        if answered.recorded is None or not answered.recorded.writes:
            return NOTHING
        asks = answered.origin.time_zero is None
        return self.record["save"].fill(
            ehr=answered.recorded.ehr,
            sent=sent,
            zero=self.record["save_zero"].fill() if asks else NOTHING,
            buttons=joined([self.record[f"save_{kind}"].fill() for kind in answered.recorded.writes]),
        )

    def _comparison(self, answered: Answered, sent: Html) -> Html:
        asked = self.served.model.features.used_in(self.stratum)
        if not asked:
            return NOTHING
        names, about = {feature.name for feature in asked}, self.served.model.about
        questions = [question for question in self.served.questions if question.name in names]
        compared, problems, shown = answered.compared, dict[str, str](), Markup()
        if isinstance(compared, NotCompared):
            problems, shown = dict(compared.problems), self.compared["refused"](compared, questions, about.title)
        elif compared is not None:
            shown = self.compared["shown"](compared, about.origin)
        given, pieces = answered.other if problems else {}, Markup(sent)  # noqa: S704 - filled pieces, escaped before
        opened = compared is not None
        return Html(self.compared["comparison"](self.site, questions, pieces, shown, given, problems, opened))


def prepare_result_page(environment: Environment, served: Served, stratum: str, site: Site) -> ResultPage:
    """Print the result page of one stratum with its holes."""
    standing = {
        "site": site,
        "model": served.model,
        "about": served.model.about,
        "language": served.language,
        "statements": served.statements[stratum],
        "axes": axes_of(served.model),
    }
    whole, holes = environment.get_template("result.html"), ("answered", "banner")
    return ResultPage(
        article=preprinted(environment.get_template("article.html"), HOLES, **standing),
        answered=preprinted(environment.get_template("answered.html"), ("article", "form"), **standing),
        page=preprinted(whole, holes, refused=False, **standing),
        page_refused=preprinted(whole, holes, refused=True, **standing),
        parts=preprinted_macros(environment, "article_parts.html", **standing),
        curve=preprinted_macros(environment, "chart.html", **standing),
        record=preprinted_macros(environment, "record.html", **standing),
        compared=vars(environment.get_template("comparison.html").module),
        served=served,
        site=site,
        stratum=stratum,
    )
