"""The curve, printed: its positions filled into the drawing that was printed for its stratum."""

from __future__ import annotations

from collections.abc import Mapping

from server.pages.chart import Chart
from server.pages.printing import Html, Piece, joined

NOTHING = Html("")


def print_chart(parts: Mapping[str, Piece], chart: Chart) -> Html:
    """The drawing of one patient's curve."""
    end = chart.reference_end
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
