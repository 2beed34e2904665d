"""One profile at work on one guide: reading, writing, what is not carried, and where each line comes from."""

from __future__ import annotations

from functools import cached_property

import msgspec

from edi_server.canonical import DOCUMENTS, Record
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding
from edi_server.guides.model import Guide, Tree
from edi_server.translation.check import check_profile
from edi_server.translation.checks import CHECKS
from edi_server.translation.compiler import Reader, Writer, compile_reader, compile_writer
from edi_server.translation.coverage import Coverage, cover, real_coverage
from edi_server.translation.normal import normal_record
from edi_server.translation.plan import Plan
from edi_server.translation.profile import Line, Profile, Source
from edi_server.translation.resolve import resolve
from edi_server.translation.tracing import Tracer, can_trace
from edi_server.translation.views import VIEWS
from edi_server.translation.x12_runs import finish_segments, fold_tree, real_finding


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A document read from a message, and what is wrong with it."""

    document: Record
    findings: tuple[Finding, ...] = ()


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """The segments of a document in normal form and in the order of the guide, without UNH and UNT, with UNS."""

    segments: list[str]
    findings: tuple[Finding, ...] = ()


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One effective line of a profile, for people."""

    #: Such as "document.number" or "shapes.line.quantity".
    key: str
    #: Where in the message: paths as written, those read only last.
    places: tuple[str, ...]
    #: Name of the codec, code table or shape.
    codec: str
    source: Source
    why: str | None = None
    #: "both", "read" or "write": lines that work one way, or differently each way, are exempt from the laws.
    direction: str = "both"


class Translator:
    """A profile resolved and compiled for one guide."""

    def __init__(self, profile: Profile, guide: Guide) -> None:
        problems = check_profile(profile, [guide])
        if problems:
            raise ConfigurationError("\n".join(map(str, problems)))
        self.profile, self.guide = profile, guide
        self._view = VIEWS.get(profile.view or "")
        self._checks = [CHECKS[name] for name in profile.checks]

    @cached_property
    def reading_plan(self) -> Plan:
        """The profile resolved for reading."""
        return resolve(self.profile, self.guide, "read")

    @cached_property
    def writing_plan(self) -> Plan:
        """The profile resolved for writing."""
        return resolve(self.profile, self.guide, "write")

    def read(self, tree: Tree) -> Reading:
        """The document that a message says; never raises for anything that a message may contain."""
        guide = self.reading_plan.guide
        document, findings = self._reader(fold_tree(guide, tree))
        if self._view:
            document = self._view.to_document(document)
        told = (real_finding(guide, finding) for finding in findings)
        return Reading(document=document, findings=(*told, *self._judge(document)))

    def write(self, document: Record) -> Writing:
        """The segments that say a document, and what of it could not be said; nothing is ever cut.

        Never raises for any document of the profile's class.
        """
        arrangement = self._view.to_arrangement(document) if self._view else document
        segments, findings = self._writer(arrangement)
        guide = self.writing_plan.guide
        told = (real_finding(guide, finding) for finding in findings)
        return Writing(segments=finish_segments(guide, segments), findings=(*told, *self._judge(document)))

    def normal(self, document: Record) -> Record:
        """The document as reading it back after writing gives it, without writing it."""
        if self._view is None:
            return normal_record(self.writing_plan, document)
        arrangement = normal_record(self.writing_plan, self._view.to_arrangement(document))
        return self._view.to_document(arrangement)

    @cached_property
    def _reader(self) -> Reader:
        return compile_reader(self.reading_plan)

    @cached_property
    def _writer(self) -> Writer:
        return compile_writer(self.writing_plan)

    def _judge(self, document: Record) -> list[Finding]:
        return [check.finding(*breach) for check in self._checks for breach in check.rule(document)]

    def read_all(self, tree: Tree) -> tuple[Reading, Coverage]:
        """The document that a message says, and what of the message did not reach it; never raises."""
        traced = self._traced(tree)
        if traced is None:
            return self.read(tree), self._covered(tree)
        document, coverage = traced
        if self._view:
            document = self._view.to_document(document)
        return Reading(document=document, findings=tuple(self._judge(document))), coverage

    def not_carried(self, tree: Tree) -> Coverage:
        """What of a message did not reach the document, and how much did."""
        traced = self._traced(tree)
        return self._covered(tree) if traced is None else traced[1]

    def _covered(self, tree: Tree) -> Coverage:
        guide = self.reading_plan.guide
        return real_coverage(guide, cover(self.reading_plan, fold_tree(guide, tree)))

    def _traced(self, tree: Tree) -> tuple[Record, Coverage] | None:
        guide = self.reading_plan.guide
        traced = self._tracer.read(fold_tree(guide, tree)) if self._tracer else None
        return traced and (traced[0], real_coverage(guide, traced[1]))

    @cached_property
    def _tracer(self) -> Tracer | None:
        return Tracer(self.reading_plan) if can_trace(self.reading_plan) else None

    def explain(self) -> list[Explained]:
        """Each effective line with the place it comes from."""
        lines = []
        for shape in self.profile.shapes.values():
            owner = shape.name if shape.name == "document" else f"shapes.{shape.name}"
            for entry in shape.entries:
                line = entry.reading or entry.writing
                assert line is not None  # an entry without any line is not made
                direction = "both" if not entry.one_way else "read" if entry.reading else "write"
                lines.append(
                    Explained(
                        key=f"{owner}.{entry.key}",
                        places=tuple(path.text for path in (*line.at, *line.parts, *line.also)),
                        codec=_codec(line),
                        source=entry.source,
                        why=entry.why,
                        direction=direction,
                    )
                )
        return lines


def _codec(line: Line) -> str:
    if line.kind in ("constant", "computed"):
        return f"{line.kind} {line.value!r}"
    return line.shape or (f"codes {line.codes}" if line.codes else line.codec)


def document_class(profile: Profile) -> type[Record]:
    """The canonical class of a profile's documents."""
    return DOCUMENTS[profile.document]


_CACHE: dict[tuple[str, str, int], Translator] = {}
_MOST = 256


def translator_for(profile: Profile, guide: Guide) -> Translator:
    """The translator of a profile and a guide, cached by the profile's version and the guide.

    Raises ConfigurationError, one problem a line, if the profile has author errors for that guide.
    """
    key = (profile.name, profile.version, id(guide))
    known = _CACHE.get(key)
    if known is None:
        if len(_CACHE) >= _MOST:
            _CACHE.clear()
        known = _CACHE[key] = Translator(profile, guide)
    return known
