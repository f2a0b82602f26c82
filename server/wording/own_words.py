"""A model's own words in another language: its questions, answers and statements, where the catalogue has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from model.about import About
from model.features import Feature, Features, Level
from model.fitted import Model
from model.record import Record

Translate = Callable[[str], str]


def in_own_words(model: Model, translate: Translate) -> Model:
    """The same model, with every word that a reader sees translated; its numbers are the same ones."""
    features = model.features
    return replace(
        model,
        about=_about(model.about, translate),
        record=None if model.record is None else _record(model.record, translate),
        features=Features(
            predictors=tuple(_feature(feature, translate) for feature in features.predictors),
            stratum=_feature(features.stratum, translate),
            support_months=features.support_months,
        ),
    )


def _about(about: About, translate: Translate) -> About:
    return replace(
        about,
        title=translate(about.title),
        origin=translate(about.origin),
        time_zero=translate(about.time_zero),
        outcome=translate(about.outcome),
        made_from=translate(about.made_from),
        data_period=translate(about.data_period),
        not_for=tuple(translate(group) for group in about.not_for),
        cautions=tuple(translate(caution) for caution in about.cautions),
        not_asked={
            stratum: tuple(replace(one, label=translate(one.label), reason=translate(one.reason)) for one in items)
            for stratum, items in about.not_asked.items()
        },
        for_patients=None
        if about.for_patients is None
        else replace(
            about.for_patients,
            origin=translate(about.for_patients.origin),
            made_from=translate(about.for_patients.made_from),
        ),
    )


def _record(record: Record, translate: Translate) -> Record:
    return replace(
        record,
        says=tuple(replace(one, caution=_if_any(one.caution, translate)) for one in record.says),
        cautions=_each(record.cautions, translate),
    )


def _feature(feature: Feature, translate: Translate) -> Feature:
    return replace(
        feature,
        label=translate(feature.label),
        question=translate(feature.question),
        definition=translate(feature.definition),
        where=translate(feature.where),
        timing=translate(feature.timing),
        levels=tuple(_level(level, translate) for level in feature.levels),
        unit=_if_any(feature.unit, translate),
        unit_of_one=_if_any(feature.unit_of_one, translate),
        phrase=_if_any(feature.phrase, translate),
        phrase_of_one=_if_any(feature.phrase_of_one, translate),
        unknown=_if_any(feature.unknown, translate),
        unknown_handling=_if_any(feature.unknown_handling, translate),
        since=_if_any(feature.since, translate),
        evidence=_each(feature.evidence, translate),
    )


def _level(level: Level, translate: Translate) -> Level:
    return replace(
        level,
        label=translate(level.label),
        phrase=translate(level.phrase),
        caution=_if_any(level.caution, translate),
    )


def _if_any(text: str | None, translate: Translate) -> str | None:
    return None if text is None else translate(text)


def _each(texts: Mapping[str, str], translate: Translate) -> Mapping[str, str]:
    return {key: translate(text) for key, text in texts.items()}
