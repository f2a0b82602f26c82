"""What a model asks, in which words, and where a registry holds it: a TOML file, checked as a whole.

The description of the default model has the same form as a hospital's own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from model.document import read_feature
from model.features import Feature, Features
from model.fitted import Term
from model.record import problems_of_record, read_record
from training.registry.consistency import problems_of
from training.registry.form import FeatureForm, FittingForm, LevelForm, RegistryForm, SpecificationForm
from training.registry.lines import line_of

ONLY_STRATUM = "all"
TRAINING_KEYS = {"column", "scale", "transformation", "knots", "segments_months"}


class WrongSpecification(ValueError):
    """A specification cannot be used; the message names every problem with its line and what would be right."""


@dataclass(frozen=True, eq=False)
class Specification:
    """A specification that is consistent, with the text that it was read from."""

    form: SpecificationForm
    text: str

    @property
    def registry(self) -> RegistryForm:
        """Where the registry holds what."""
        return self.form.registry

    @property
    def fitting(self) -> FittingForm:
        """How a model is fitted."""
        return self.form.fitting

    @property
    def support_months(self) -> int:
        """The last month that a prediction may be for."""
        return self.form.support_months

    @cached_property
    def stratum_form(self) -> FeatureForm:
        """The question that divides the patients; with one answer, where nothing does."""
        if self.form.stratum_feature is not None:
            return self.form.stratum_feature
        population = self.form.population
        label, phrase = ("Patients", "") if population is None else (population.label, population.phrase)
        level = LevelForm(code=ONLY_STRATUM, label=label, phrase=phrase)
        return FeatureForm(
            name="population",
            label=label,
            question=label,
            definition=label,
            where="Not asked: it is the same for every patient.",
            timing="At time zero.",
            levels=[level],
        )

    @cached_property
    def strata(self) -> tuple[str, ...]:
        """The names of the strata, in the order in which they are asked."""
        return tuple(level.code for level in self.stratum_form.levels)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The predictors."""
        return tuple(read_feature(document) for document in self.questions())

    def questions(self) -> list[dict[str, Any]]:
        """The predictors as ``model.json`` holds them."""
        return [_question(form) for form in self.form.features]

    def stratum_question(self) -> dict[str, Any]:
        """The stratum question as ``model.json`` holds it."""
        return _question(self.stratum_form)

    def problems_of_record(self) -> Iterator[str]:
        """Where the part about records does not fit the questions."""
        if self.form.record is not None:
            stratum = read_feature(self.stratum_question())
            questions = Features(predictors=self.features, stratum=stratum, support_months={})
            yield from problems_of_record(read_record(self.form.record.model_dump()), questions)

    def form_of(self, name: str) -> FeatureForm:
        """The form of one predictor; KeyError when there is none."""
        for form in self.form.features:
            if form.name == name:
                return form
        raise KeyError(name)

    def segments(self, name: str) -> tuple[int, ...]:
        """The months at which one predictor's effect may change; none where it is proportional."""
        return tuple(self.form_of(name).segments_months)

    def terms(self, name: str) -> tuple[Term, ...]:
        """The columns of the design that one predictor has: every level but its reference."""
        form = self.form_of(name)
        if form.levels:
            return tuple(Term(name, "level", level.code) for level in form.levels if level.code != form.reference)
        if form.transformation == "rcs" and form.knots is not None:
            knots = tuple(form.knots)
            return tuple(Term(name, "rcs", knots=knots, part=part) for part in range(len(knots) - 1))
        return (Term(name, form.transformation or "identity"),)

    def description(self) -> dict[str, Any]:
        """What it says to those who use the model: its words and questions, as ``model.json`` has them."""
        form = self.form
        return {
            "name": form.name,
            "version": form.version,
            "horizons_months": form.horizons_months,
            "headline_months": form.headline_months,
            "support_months": form.support_months,
            "validation_sentence": form.validation_sentence,
            "stratum_feature": self.stratum_question(),
            "features": self.questions(),
            "card": form.card,
            "title": form.title,
            "origin": form.origin,
            "time_zero": form.time_zero,
            "outcome": form.outcome,
            "reconstructed": form.reconstructed,
            "made_from": form.made_from,
            "data_period": form.data_period,
            "not_for": form.not_for,
            "cautions": form.cautions,
            "not_asked": {name: [item.model_dump() for item in items] for name, items in form.not_asked.items()},
            "for_patients": None if form.for_patients is None else form.for_patients.model_dump(),
            "record": None if form.record is None else form.record.model_dump(exclude_none=True),
        }


def read_specification(text: str, name: str = "the specification") -> Specification:
    """Parse and check a specification. Raises WrongSpecification."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{name} is not TOML: {error}"
        raise WrongSpecification(message) from error
    try:
        form = SpecificationForm.model_validate(document)
    except ValidationError as error:
        problems = [(_own(problem["loc"], document), _said(problem)) for problem in error.errors()]
        raise WrongSpecification(_message(name, text, problems)) from None
    problems = problems_of(form)
    if problems:
        raise WrongSpecification(_message(name, text, problems))
    specification = Specification(form, text)
    problems = [(("record",), f"cannot be used: {problem}") for problem in specification.problems_of_record()]
    if problems:
        raise WrongSpecification(_message(name, text, problems))
    return specification


def refuse_unchecked(specification: Specification, name: str = "the specification") -> None:
    """Refuse a draft in which somebody has yet to decide something. Raises WrongSpecification."""
    open_lines = [
        f"{name}, line {number}: CHECK still stands here: decide what is right and write it."
        for number, line in enumerate(specification.text.splitlines(), start=1)
        if "CHECK" in line.split("#", maxsplit=1)[0]
    ]
    if open_lines:
        raise WrongSpecification("\n".join(open_lines))


def _question(form: FeatureForm) -> dict[str, Any]:
    document = form.model_dump(exclude_unset=True, exclude=TRAINING_KEYS)
    if "levels" in document:
        document["levels"] = [
            {key: value for key, value in level.items() if key != "codes"} for level in document["levels"]
        ]
    return document


def _own(loc: tuple[int | str, ...], document: Mapping[str, Any]) -> tuple[int | str, ...]:
    """The path without the parts that name an alternative of a type rather than a key."""
    path: list[int | str] = []
    node: Any = document
    for position, part in enumerate(loc):
        inside = isinstance(node, list) and isinstance(part, int) and part < len(node)
        if inside or (isinstance(node, dict) and part in node):
            node = node[part]
        elif position < len(loc) - 1 or not isinstance(node, dict):
            continue
        path.append(part)
    return tuple(path)


def _said(problem: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    if problem["type"] == "missing":
        return "is missing, and must be given"
    if problem["type"] == "extra_forbidden":
        known = sorted(
            {
                name
                for form in (SpecificationForm, FeatureForm, RegistryForm, FittingForm, LevelForm)
                for name in form.model_fields
            }
        )
        near = get_close_matches(str(problem["loc"][-1]), known, 1)
        return f"is not a key that is known here{f'; is {near[0]} meant?' if near else ''}"
    given = repr(problem.get("input"))
    shown = given if len(given) <= 40 else f"{given[:40]}…"
    return f"{problem['msg'][0].lower()}{problem['msg'][1:]}, and this is {shown}"


def _message(name: str, text: str, problems: list[tuple[tuple[int | str, ...], str]]) -> str:
    lines = sorted(
        {(line_of(text, path), ".".join(str(part) for part in path) or "the whole", said) for path, said in problems}
    )
    return "\n".join(f"{name}, line {line}: {path} {said}." for line, path, said in lines)
