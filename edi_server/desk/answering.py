"""The bytes that answer an interchange, in a dry run: control numbers are placeholders, 1 and up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from edi_server.acknowledgments import (
    SUSPENDED,
    Advice,
    GroupVerdict,
    Kind,
    MessageVerdict,
    Verdict,
    advice_group,
    advice_version,
    answer_group,
    answer_header,
    functional_header,
    is_advised,
    is_answered,
    wants_functional,
    wants_ta1,
    write_824,
    write_997,
    write_999,
    write_aperak,
    write_contrl,
    write_ta1,
)
from edi_server.envelope.edifact_writing import wrap_edifact
from edi_server.envelope.model import GroupHeader, InterchangeHeader
from edi_server.envelope.x12_writing import wrap_x12
from edi_server.errors import EdiServerError
from edi_server.findings import Finding, Place
from edi_server.partners.model import Acknowledgments, Writing
from edi_server.syntax.charsets import codec_of
from edi_server.syntax.x12_isa import FIRST_WITH_REPETITION

_EDIFACT: frozenset[Kind] = frozenset({"CONTRL", "APERAK"})
_X12: frozenset[Kind] = frozenset({"TA1", "997", "999", "824"})


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange of acknowledgments that would go out."""

    kinds: tuple[Kind, ...]
    content: bytes
    #: What could not be written as it is.
    findings: tuple[Finding, ...] = ()


def write_answers(
    verdict: Verdict, *, kinds: Sequence[Kind], terms: Acknowledgments, writing: Writing | None, now: datetime
) -> tuple[list[Written], str]:
    """What would go out, and why nothing would: a sentence, empty where something would.

    `kinds` are written whatever the terms say; without any, the terms decide. `now` is the time in the partner's zone.
    """
    if verdict.obstacle:
        return [], f"{verdict.obstacle} The partner has to be told in another way."
    is_x12 = verdict.subject.header.syntax == "x12"
    fitting = [kind for kind in kinds if kind in (_X12 if is_x12 else _EDIFACT)]
    if kinds and not fitting:
        return [], f"{' and '.join(kinds)} cannot answer {'X12' if is_x12 else 'EDIFACT'}."
    wanted = tuple(fitting) or (_agreed_x12(verdict, terms) if is_x12 else _agreed_edifact(verdict, terms))
    writer = (_X12Answers if is_x12 else _EdifactAnswers)(verdict, terms, writing, now, is_forced=bool(fitting))
    answers = [answer for answer in writer.write(wanted) if answer]
    return answers, "" if answers else _silence(verdict, wanted)


def _agreed_edifact(verdict: Verdict, terms: Acknowledgments) -> tuple[Kind, ...]:
    asked = verdict.subject.header.acknowledgment_requested
    contrl: list[Kind] = ["CONTRL"] if terms.contrl == "always" or (terms.contrl == "requested" and asked) else []
    return (*contrl, *_application(terms))


def _agreed_x12(verdict: Verdict, terms: Acknowledgments) -> tuple[Kind, ...]:
    ta1: list[Kind] = ["TA1"] if wants_ta1(verdict, terms.ta1) else []
    functional: list[Kind] = [terms.functional.kind] if terms.functional.kind != "none" else []
    return (*ta1, *functional, *_application(terms))


def _application(terms: Acknowledgments) -> list[Kind]:
    kinds: dict[str, list[Kind]] = {"aperak": ["APERAK"], "824": ["824"]}
    return kinds.get(terms.application.kind, [])


def _silence(verdict: Verdict, wanted: Sequence[Kind]) -> str:
    messages = verdict.every_message()
    if messages and not any(is_answered(one.subject.header.type) for one in messages):
        return "An acknowledgment is not acknowledged."
    if verdict.rejected and wanted:
        return (
            "The interchange is rejected as such: TA1 says so where it was asked for (ISA14), and no 997 or 999 does."
        )
    return "Nothing was asked for, and nothing agreed."


class _Answers:
    """What both syntaxes share."""

    def __init__(
        self, verdict: Verdict, terms: Acknowledgments, writing: Writing | None, now: datetime, *, is_forced: bool
    ) -> None:
        self._verdict = verdict
        self._subject = verdict.subject.header
        self._terms = terms
        self._writing = writing
        self._now = now
        self._is_forced = is_forced

    def _header(self, number: int, date: str) -> InterchangeHeader:
        time = self._now.strftime("%H%M")
        return answer_header(self._subject, control_reference=str(number), date=self._now.strftime(date), time=time)

    def _advices(self) -> Iterator[Advice]:
        """What the application says of each message that it is asked about."""
        levels: list[tuple[GroupHeader | None, tuple[MessageVerdict, ...]]] = [(None, self._verdict.messages)]
        levels += [(group.subject.header, group.messages) for group in self._verdict.groups]
        for group, messages in levels:
            for message in messages:
                if _is_refused(message) and not self._is_forced:
                    continue
                advice = self._advice(group, message)
                wanted = self._terms.application.when == "always" or advice.outcome == "rejected"
                if is_advised(advice.message.type) and (wanted or self._terms.application.kind == "none"):
                    yield advice

    def _advice(self, group: GroupHeader | None, message: MessageVerdict) -> Advice:
        subject = message.subject
        # What is around the message has no place in it.
        around = () if message.has_own_error or not message.cause else (replace(message.cause, place=Place()),)
        return Advice(
            interchange=self._subject,
            group=group,
            message=subject.header,
            findings=(*subject.findings, *around),
            guide=subject.guide,
            report_warnings=self._terms.report_warnings,
        )


def _is_refused(message: MessageVerdict) -> bool:
    """Refused by the syntax, itself or with what is around it: that CONTRL, TA1, 997 and 999 say alone."""
    return message.outcome == "rejected" and (message.cause is None or message.cause.code != SUSPENDED)


class _EdifactAnswers(_Answers):
    """CONTRL and APERAK."""

    def write(self, kinds: Sequence[Kind]) -> Iterator[Written | None]:
        """An interchange for each kind."""
        association = self._writing.association if self._writing else ""
        messages = self._verdict.every_message()
        if "CONTRL" in kinds and (not messages or any(is_answered(one.subject.header.type) for one in messages)):
            warnings = self._terms.report_warnings
            contrl = write_contrl(
                self._verdict, message_reference="1", association=association, report_warnings=warnings
            )
            yield self._wrap("CONTRL", 1, [contrl])
        if "APERAK" in kinds:
            aperaks = [
                write_aperak(advice, message_reference=str(number), reference=str(number), written_at=self._now)
                for number, advice in enumerate(self._advices(), 1)
            ]
            yield self._wrap("APERAK", 2, aperaks) if aperaks else None

    def _wrap(self, kind: Kind, number: int, messages: list[list[str]]) -> Written:
        header = self._header(number, "%Y%m%d" if self._subject.syntax_version == "4" else "%y%m%d")
        if codec_of(header.charset) is None:
            header = replace(header, charset=self._writing.charset if self._writing else "UNOC")
        if self._writing:
            header = replace(header, separators=self._writing.separators)
        line_breaks = self._writing.line_breaks if self._writing else True
        content, findings = wrap_edifact(header, messages, line_breaks=line_breaks)
        return Written(kinds=(kind,), content=content, findings=tuple(findings))


class _X12Answers(_Answers):
    """TA1, 997, 999 and 824."""

    def write(self, kinds: Sequence[Kind]) -> Iterator[Written | None]:
        """TA1 and the functional acknowledgments in one interchange, the application's advice in another."""
        functional: list[Kind] = [kind for kind in ("TA1", "997", "999") if kind in kinds]
        if functional:
            yield self._functional(functional)
        if "824" in kinds:
            yield self._application()

    def _functional(self, kinds: Sequence[Kind]) -> Written | None:
        warnings = self._terms.report_warnings
        is_noted = "TA1" in kinds and wants_ta1(self._verdict, "always")
        ta1 = write_ta1(self._verdict, received_at=self._now, report_warnings=warnings) if is_noted else []
        groups: list[tuple[GroupHeader, list[list[str]]]] = []
        written: list[Kind] = ["TA1"] if ta1 else []
        for kind in ("997", "999"):
            due = [one for one in self._verdict.groups if wants_functional(self._verdict, one, self._when(kind, kinds))]
            groups += self._groups(kind, due, len(groups))
            written += [kind] if due else []
        return self._wrap(written, ta1, groups) if written else None

    def _when(self, kind: str, kinds: Sequence[Kind]) -> Literal["always", "errors", "never"]:
        if kind not in kinds:
            return "never"
        return self._terms.functional.when if self._terms.functional.kind == kind else "always"

    def _groups(
        self, kind: Literal["997", "999"], due: Sequence[GroupVerdict], before: int
    ) -> list[tuple[GroupHeader, list[list[str]]]]:
        """A group of acknowledgments for each parties and version that is answered."""
        write = write_997 if kind == "997" else write_999
        about: dict[tuple[str, str, str], list[GroupVerdict]] = {}
        for group in due:
            header = functional_header(group.subject.header, kind, "")
            parties = (str(group.subject.header.sender), str(group.subject.header.recipient))
            about.setdefault((*parties, header.version + header.association), []).append(group)
        warnings = self._terms.report_warnings
        return [
            (
                answer_group(
                    groups[0].subject.header, self._subject, version=version, **self._stamp(before + number, version)
                ),
                [
                    write(one, message_reference=f"{at:04}", report_warnings=warnings)
                    for at, one in enumerate(groups, 1)
                ],
            )
            for number, ((_, _, version), groups) in enumerate(about.items(), 1)
        ]

    def _application(self) -> Written | None:
        """For each group that is answered a group with one 824."""
        about: dict[GroupHeader, list[Advice]] = {}
        for advice in self._advices():
            about.setdefault(advice.group or GroupHeader(), []).append(advice)
        groups: list[tuple[GroupHeader, list[list[str]]]] = []
        for number, (group, advices) in enumerate(about.items(), 1):
            version = advice_version(group)
            header = advice_group(group, self._subject, version=version, **self._stamp(number, version))
            segments = write_824(advices, message_reference="0001", reference=str(number), written_at=self._now)
            groups.append((header, [segments]))
        return self._wrap(["824"], [], groups) if groups else None

    def _stamp(self, number: int, version: str) -> dict[str, str]:
        date = self._now.strftime("%Y%m%d" if version >= "004010" else "%y%m%d")
        return {"control_reference": str(number), "date": date, "time": self._now.strftime("%H%M")}

    def _wrap(
        self, kinds: Sequence[Kind], ta1: list[str], groups: list[tuple[GroupHeader, list[list[str]]]]
    ) -> Written:
        header = self._header(2 if "824" in kinds else 1, "%y%m%d")
        if self._writing:
            header = replace(header, separators=self._writing.x12.separators)
        line_breaks = self._writing.line_breaks if self._writing else True
        try:
            content, findings = wrap_x12(_of_version(header), groups, acknowledgments=ta1, line_breaks=line_breaks)
        except EdiServerError:
            # Separators that only a guess could read cannot be written with.
            header = _of_version(replace(header, separators=Writing().x12.separators))
            content, findings = wrap_x12(header, groups, acknowledgments=ta1, line_breaks=line_breaks)
        return Written(kinds=tuple(kinds), content=content, findings=tuple(findings))


def _of_version(header: InterchangeHeader) -> InterchangeHeader:
    """Without the repetition separator that a version does not have."""
    if header.syntax_version >= FIRST_WITH_REPETITION:
        return header
    return replace(header, separators=replace(header.separators, repetition=" "))
