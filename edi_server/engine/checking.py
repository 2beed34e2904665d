"""Messages against their guides and profiles: the steps that need no database, shared with the dry runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edi_server.acknowledgments import APPLICATION, FUNCTIONAL, Policy
from edi_server.canonical import Record
from edi_server.envelope.model import MessageRead
from edi_server.envelope.offsets import refine as point
from edi_server.errors import ConfigurationError
from edi_server.findings import AgreedSeverity, Finding, has_errors, regrade
from edi_server.guides import Guide, Tree, nearest_guide, with_offsets
from edi_server.guides.refinement import Refinement, check_refined, load_refinement, refine
from edi_server.partners import Unmatched
from edi_server.partners.model import Agreement, Policies

if TYPE_CHECKING:
    from edi_server.translation import Profile


_STANDARD = Policies()
#: An acknowledgment counts even if a value in it is not as long or as coded as it should be: what it says is read with
#: its own doubts (`read_acknowledgment`), and one that is not heard would be missed.
_LENIENT = Policies(severities={"guide.value-*": "warning", "guide.code-unknown": "warning"})
#: Messages that say something about what we sent; they need no agreement.
ACKNOWLEDGMENTS = FUNCTIONAL | APPLICATION


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


def check_agreed(message: MessageRead, agreement: Agreement | Unmatched | None) -> CheckedMessage:
    """Check a message by what was agreed for it, or else by the standard.

    Raises ConfigurationError for a guideline that cannot be read.
    """
    if isinstance(agreement, Agreement):
        return check_message(message, policies=agreement.policies, guideline=guideline_of(agreement))
    return check_message(message, policies=_LENIENT if message.header.type in ACKNOWLEDGMENTS else None)


def severities_of(policies: Sequence[Policies]) -> dict[str, AgreedSeverity]:
    """For findings about an envelope: what all agreements of its messages say alike."""
    first = policies[0].severities if policies else {}
    return {key: one for key, one in first.items() if all(other.severities.get(key) == one for other in policies)}


def policy_of(policies: Sequence[Policies]) -> Policy:
    """The stricter of what was agreed for the messages of an interchange."""
    return Policy(
        interchange="keep" if any(one.interchange == "keep" for one in policies) else "split",
        on_error="interchange" if any(one.on_error == "interchange" for one in policies) else "message",
    )


def check_message(
    message: MessageRead, *, policies: Policies | None = None, guideline: Refinement | None = None
) -> CheckedMessage:
    """Check a message against the guide that its header names, as narrow and as deep as was agreed.

    Findings carry the message's reference, and the severities that were agreed.
    """
    agreed = policies or _STANDARD
    guide, doubt = nearest_guide(message.header.directory, message.header.type, syntax_of(message))
    findings = [*message.findings, *(with_offsets([doubt], message.offsets) if doubt else [])]
    tree = None
    if guide is not None:
        checked = check_refined(
            refine(guide, guideline) if guideline else guide,
            message.segments,
            released=message.released,
            codes=agreed.code_severity,
            offsets=message.offsets,
            depth=agreed.depth,
            nearest=doubt is not None,
        )
        tree = checked.tree
        findings += checked.findings
    named = tuple(_of_message(finding, message.header.reference) for finding in findings)
    pointed = point(regrade(named, agreed.severities), message) if named else ()
    return CheckedMessage(message=message, guide=guide, tree=tree, findings=tuple(pointed))


def guideline_of(agreement: Agreement) -> Refinement | None:
    """What narrows the standard's guide for an agreement; read anew where its file changed.

    Raises ConfigurationError.
    """
    if not agreement.guideline_file:
        return None
    file = Path(agreement.guideline_file)
    try:
        changed = file.stat().st_mtime_ns
    except OSError as error:
        raise ConfigurationError(f"{file}: the guideline of {agreement.id} cannot be read: {error.strerror}") from error
    return _load_guideline(file, changed)


@lru_cache(maxsize=256)
def _load_guideline(file: Path, _changed: int) -> Refinement:
    return load_refinement(file)


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
    reading, coverage = translator.read_all(checked.tree)
    message = checked.message
    found = point(with_offsets(reading.findings, message.offsets), message) if reading.findings else []
    return Translated(
        document=reading.document,
        findings=tuple(_of_message(finding, message.header.reference) for finding in found),
        not_carried=coverage,
    )


def _of_message(finding: Finding, reference: str) -> Finding:
    if finding.place.message is not None or not reference:
        return finding
    return msgspec.structs.replace(finding, place=msgspec.structs.replace(finding.place, message=reference))
