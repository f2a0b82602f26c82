"""What an EHR did not give."""

from __future__ import annotations


class Unanswered(Exception):
    """An EHR did not give what it was asked for: a sentence of the refusals, with what it needs to be said."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.sentence, self.status = sentence, status
