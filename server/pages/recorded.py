"""The record that a form was opened from, as its pages show it: whose it is, what it says, what it did not say."""

from __future__ import annotations

from dataclasses import dataclass

from model.features import ALIVE_MONTHS
from server.entering.confirming import question_of
from server.entering.dates import END
from server.entering.sent import CONFIRMED
from server.fhir.found import Banner, Findings, Found, Unread
from server.fhir.unanswered import Unanswered
from server.served import Served
from server.wording.naming import value_text


@dataclass(frozen=True, slots=True)
class Recorded:
    """One launch, for its pages."""

    launch: str
    """The id of the launch, which is where its pages are."""
    sealed: str
    """What every form of this launch sends along: it ties the form to the launch and to what was read."""
    closing: str
    """What the form that closes the launch sends along: it ties it to the launch, and says nothing of the record."""
    ehr: str
    banner: Banner | None
    """Who the patient is, where the EHR does not show it."""
    needs_banner: bool
    read: str
    """When the record was read: UTC, ISO 8601, to the second."""
    findings: Findings
    unread: tuple[Unread, ...]
    writes: tuple[str, ...]
    """As what the result may be written."""


@dataclass(frozen=True, slots=True)
class RecordShown:
    """What the record says about one question, in words."""

    lines: tuple[str, ...]
    conflict: bool
    left_out: int
    """How much more there is than is listed."""
    field: str | None
    """The name of the box that confirms it; None where nothing was filled in."""
    confirmed: bool


@dataclass(frozen=True, slots=True)
class BannerShown:
    """What stands above every page of a launch."""

    opened: str
    unread: tuple[str, ...]


def banner_shown(served: Served, recorded: Recorded) -> BannerShown:
    """Whose record it is, when it was read, and what could not be read."""
    say, language, banner = served.language.sentences.say, served.language, recorded.banner
    read = language.moment(recorded.read)
    if not recorded.needs_banner:
        opened = say("opened_for_shown_patient", ehr=recorded.ehr, read=read)
    elif banner is None or not banner.name:
        opened = say("opened_for_unnamed_patient", ehr=recorded.ehr, read=read)
    else:
        opened = say(
            "opened_for_patient", ehr=recorded.ehr, read=read, name=banner.name, born=language.day_text(banner.born)
        )
    unread = (unread_told(served, one) for one in recorded.unread)
    return BannerShown(opened, (*excluded_told(served, recorded), *unread))


def unread_told(served: Served, unread: Unread) -> str:
    """What of a record could not be read, and why."""
    why = why_unanswered(served, unread.failure)
    return served.language.sentences.say("unread", kind=unread.kind, why=why)


def why_unanswered(served: Served, failure: Unanswered) -> str:
    """Why an EHR did not give what it was asked for."""
    return served.language.refusals.say(failure.sentence, status=failure.status)


def record_shown(served: Served, recorded: Recorded, confirmed: frozenset[str]) -> dict[str, RecordShown]:
    """By question, what the record says about it."""
    findings = recorded.findings
    names = [feature.name for feature in served.model.features.asked] + [ALIVE_MONTHS]
    filled = {question_of(field) for field in findings.filled}
    return {
        name: RecordShown(
            lines=tuple(_line(served, one) for one in listed),
            conflict=findings.conflicts(name),
            left_out=findings.tally(name).count - len(listed),
            field=f"{CONFIRMED}{name}" if name in filled else None,
            confirmed=name in confirmed,
        )
        for name in names
        if (listed := findings.listed(name))
    }


def _line(served: Served, one: Found) -> str:
    say, language, source = served.language.sentences.say, served.language, source_told(served, one)
    if one.remark is not None:
        return say("record_remark", source=source, remark=one.remark)
    question = question_of(one.field)
    if question == one.field:
        value = value_text(language, served.model.features.named(question), one.value or "")
        return say("record_value", value=value, source=source, caution=_caution(served, one))
    events = {date.name: date.event for asked in served.questions for date in asked.dates}
    return say("record_date", event=events[one.field], source=source, caution=_event_caution(served, one.field))


def _event_caution(served: Served, field: str) -> str:
    """What must be made sure of where a day is taken from the record."""
    record = served.model.record
    if record is None:
        return ""
    question, _, which = field.partition(".")
    event = record.time_zero if which == END else record.begins.get(question, "")
    return record.cautions.get(event, "")


def excluded_told(served: Served, recorded: Recorded) -> list[str]:
    """What the record says the tumour is, where the model is not for it."""
    say = served.language.sentences.say
    return [say("record_excluded", source=source_told(served, one)) for one in recorded.findings.excluded]


def source_told(served: Served, found: Found) -> str:
    """What a resource is called, of which day it is, and where it stands."""
    say, language = served.language.sentences.say, served.language
    day = language.day_text(found.day) if found.day else say("no_day_given")
    return say("record_source", source=found.source, text=found.text, day=day)


def _caution(served: Served, found: Found) -> str:
    """What the record leaves open where it says this."""
    says = () if served.model.record is None else served.model.record.says
    cautions = (one.caution for one in says if (one.feature, one.level) == (found.field, found.value))
    return next(cautions, None) or ""
