"""How the form and the answers to it call things: names of items, of the form itself, and of its sets of answers.

A dot parts what a question has beside its answer; no question has one in its name.
"""

from __future__ import annotations

TIME_ZERO = "time.zero"
"""The item that asks for the day from which time counts."""
UNKNOWN_SIDE = "unknown"
"""The side of a number that says that it is not known."""


def side(name: str, which: str) -> str:
    """An item that stands beside a question."""
    return f"{name}.{which}"


def form_address(fhir: str, model: str) -> str:
    """The canonical address of a model's form; ``fhir`` is where the resources of this server are."""
    return f"{fhir}/Questionnaire/{model}"


def answers_address(fhir: str, model: str, question: str) -> str:
    """The code system that the answers to one question belong to: the same code may mean another answer elsewhere."""
    return f"{form_address(fhir, model)}#{question}"
