"""Messages against their guides and profiles: the steps that need no database, shared with the dry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from edi_server.canonical import Record
from edi_server.envelope.model import MessageRead
from edi_server.findings import Finding, has_errors
from edi_server.guides import Codes, Guide, Tree, check, nearest_guide, with_offsets

if TYPE_CHECKING:
    from edi_server.translation import Profile


class CheckedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message with everything that envelope and guide found."""

    message: MessageRead
    guide: Guide | None
    tree: Tree | None
    findings: tuple[Finding, ...]

    @property
    def is_rejected(self) -> bool:
        """True if syntax, envelope or guide found an error."""
        return has_errors(self.findings)


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile made of a message."""

    document: Record | None
    findings: tuple[Finding, ...] = ()
    #: Filled components that are neither in the document nor kept, for people.
    not_carried: Any = ()


def check_message(message: MessageRead, *, codes: Codes = "auto") -> CheckedMessage:
    """Check a message against the guide that its header names; findings carry the message's reference."""
    guide, doubt = nearest_guide(message.header.directory, message.header.type, syntax_of(message))
    findings = [*message.findings, *(with_offsets([doubt], message.offsets) if doubt else [])]
    tree = None
    if guide is not None:
        checked = check(guide, message.segments, released=message.released, codes=codes, offsets=message.offsets)
        tree = checked.tree
        findings += checked.findings
    named = tuple(_of_message(finding, message.header.reference) for finding in findings)
    return CheckedMessage(message=message, guide=guide, tree=tree, findings=named)


def syntax_of(message: MessageRead) -> str:
    """The syntax of a message: "x12" if it begins with ST or is a TA1, else "edifact"."""
    return "x12" if message.segments[0].startswith(("ST+", "TA1+")) else "edifact"


def translate_message(checked: CheckedMessage, profile: Profile) -> Translated:
    """Read a checked message through a profile; a message with faults as far as it goes."""
    # A quarter of the time that `inspect` takes to start, and checking needs none of it.
    from edi_server.translation import translator_for

    if checked.guide is None or checked.tree is None:
        return Translated(document=None)
    translator = translator_for(profile, checked.guide)
    reading = translator.read(checked.tree)
    message = checked.message
    found = with_offsets(reading.findings, message.offsets)
    return Translated(
        document=reading.document,
        findings=tuple(_of_message(finding, message.header.reference) for finding in found),
        not_carried=translator.not_carried(checked.tree),
    )


def _of_message(finding: Finding, reference: str) -> Finding:
    if finding.place.message is not None or not reference:
        return finding
    return msgspec.structs.replace(finding, place=msgspec.structs.replace(finding.place, message=reference))
