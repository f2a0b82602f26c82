"""A result, printed: every part of it filled into the template that was printed for its stratum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment

from server.pages.chart import Chart, axes_of
from server.pages.printing import Html, Piece, joined, preprinted, preprinted_macros
from server.pages.result import Headline, Result, Row, Way
from server.pages.sites import Site
from server.served import Served

HOLES = (
    *(
        "group",
        "inputs",
        "headlines",
        "left_out",
        "like",
        "warnings",
        "sentences",
        "way",
        "cautions",
        "unknown",
        "chart",
    ),
    *("spans", "rows", "ratios", "receipt", "form"),
)
NOTHING = Html("")


@dataclass(frozen=True, slots=True)
class ResultPage:
    """The result page of one stratum, with holes."""

    page: Piece
    parts: Mapping[str, Piece]
    curve: Mapping[str, Piece]

    def print(self, result: Result, form: Html) -> Html:
        """The page of one result."""
        parts, told = self.parts, result.told
        return self.page.fill(
            group=result.group,
            inputs=joined([parts["input"].fill_from(given) for given in result.inputs]),
            headlines=joined(
                [self._headline(at) for at in result.headlines]
                + [parts["headline_beyond"].fill(time=time) for time in result.beyond]
            ),
            left_out=NOTHING if told.left_out is None else parts["left_out"].fill(text=told.left_out),
            like=NOTHING if told.like is None else parts["like"].fill(text=told.like),
            warnings=joined([parts["warning"].fill(text=warning.text) for warning in told.warnings]),
            sentences=joined([parts["said"].fill(text=text) for text in told.sentences]),
            way=self._way(result.way) if result.way.steps else NOTHING,
            cautions=joined([parts["caution"].fill(text=caution.text) for caution in told.cautions]),
            unknown=joined(
                [
                    parts["unknown"].fill(named=one.named, handling=one.handling or "", range=one.range)
                    for one in told.unknown
                ]
            ),
            chart=self._chart(result.chart),
            spans=joined([parts["span"].fill(text=text) for text in result.spans]),
            rows=joined([self._row(row) for row in result.rows]),
            ratios=self._ratios(result) if result.ratios else NOTHING,
            receipt=parts["receipt"].fill(id=result.receipt.id, time=result.receipt.time),
            form=form,
        )

    def _headline(self, at: Headline) -> Html:
        if at.lower is None:
            bar = self._bar("share", 0, at.share)
            return self.parts["headline_without_interval"].fill(
                time=at.time, alive=at.alive, not_alive=at.not_alive, bar=bar
            )
        bar = self.parts["bar_with_interval"].fill(share=at.share, lower=at.lower_at, width=at.upper_at - at.lower_at)
        return self.parts["headline"].fill(
            time=at.time, alive=at.alive, lower=at.lower, upper=at.upper, not_alive=at.not_alive, bar=bar
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

    def _row(self, row: Row) -> Html:
        return self.parts["row_without_interval" if row.lower is None else "row"].fill_from(row)

    def _ratios(self, result: Result) -> Html:
        return self.parts["ratios"].fill(
            ratios=joined([self.parts["ratio"].fill_from(ratio) for ratio in result.ratios])
        )

    def _chart(self, chart: Chart) -> Html:
        parts, end = self.curve, chart.reference_end
        reference = {"everybody": NOTHING, "reference_end": NOTHING, "key": NOTHING}
        if end is not None:
            reference = {
                "everybody": parts["everybody"].fill(line=chart.reference_line),
                "reference_end": parts["reference_end"].fill(across=chart.supported, at=end.at, figure=end.figure),
                "key": parts["key"].fill(),
            }
        beyond, before = NOTHING, NOTHING
        if chart.unsupported is not None:
            beyond = parts["beyond"].fill(start=chart.supported, width=chart.unsupported)
        if chart.starts is not None:
            before = parts["before"].fill(width=chart.starts)
        return parts["chart"].fill(
            title=chart.title,
            description=chart.description,
            beyond=beyond,
            before=before,
            read_across=chart.read_across,
            read_down=chart.read_down,
            band=Html(chart.band),
            line=Html(chart.line),
            supported=chart.supported,
            end_at=chart.end.at,
            end=chart.end.figure,
            reading=chart.reading,
            notes=joined([parts["note"].fill(text=text) for text in chart.notes]),
            **reference,
        )


def prepare_result_page(environment: Environment, served: Served, stratum: str, site: Site) -> ResultPage:
    """Print the result page of one stratum with its holes."""
    standing = {
        "site": site,
        "model": served.model,
        "about": served.model.about,
        "statements": served.statements[stratum],
        "axes": axes_of(served.model),
    }
    return ResultPage(
        page=preprinted(environment.get_template("result.html"), HOLES, **standing),
        parts=preprinted_macros(environment, "result_parts.html", **standing),
        curve=preprinted_macros(environment, "chart.html", **standing),
    )
