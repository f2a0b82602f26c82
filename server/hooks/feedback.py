"""What became of cards, as an EHR tells it. Of all this only the outcomes are kept: people write names into reasons."""

from __future__ import annotations

from collections.abc import Mapping

from server.hooks.members import Members, WrongBody

ACCEPTED, OVERRIDDEN = "accepted", "overridden"


def read_feedback(document: Mapping[str, object]) -> tuple[str, ...]:
    """The outcome of each card that is told of. Raises WrongBody."""
    body = Members(document)
    outcomes = tuple(_outcome(one) for one in body.each("feedback"))
    if body.problems:
        raise WrongBody(body.problems)
    return outcomes


def _outcome(one: Members) -> str:
    one.uuid("card")
    one.moment("outcomeTimestamp")
    outcome = one.one_of("outcome", (ACCEPTED, OVERRIDDEN))
    if outcome == ACCEPTED:
        # Our cards suggest nothing, so there is nothing to accept; an EHR that says so all the same must say what.
        for suggestion in one.each("acceptedSuggestions"):
            suggestion.text("id")
    if one.has("overrideReason"):
        reason = one.within("overrideReason")
        if reason.has("reason"):
            reason.within("reason").text("code")
        if reason.has("userComment"):
            reason.text("userComment")
    return outcome
