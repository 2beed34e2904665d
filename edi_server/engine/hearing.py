"""What is found about an interchange while it is read, gathered for its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from edi_server.acknowledgments import (
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    Outcome,
    Policy,
    Verdict,
    judge,
)
from edi_server.envelope.model import GroupClosed, GroupOpened, InterchangeHeader, MessageHeader, MessageRead
from edi_server.findings import AgreedSeverity, Finding, regrade
from edi_server.guides import Guide


class Hearing:
    """Gathers what is found about an interchange while it is read, in the shape that a verdict is given on.

    It may hold tens of thousands of messages, so of each only what the answer may have to repeat is kept: the header
    without its segment, and errors and warnings.
    """

    def __init__(self, header: InterchangeHeader) -> None:
        self._header = header
        self._messages: list[CheckedMessage] = []
        self._groups: list[CheckedGroup] = []
        #: Ids of the messages outside of groups, of those in groups, and of all.
        self._ids: tuple[list[str], list[str]] = ([], [])
        self._every_id: list[str] = []
        self._in_group: list[CheckedMessage] | None = None
        self._group_findings: list[Finding] = []
        #: Texts that most headers share, once.
        self._texts: dict[str, str] = {}

    def take_group(self, event: GroupOpened | GroupClosed) -> None:
        """A group began or ended."""
        if isinstance(event, GroupOpened):
            self._in_group, self._group_findings = [], list(event.findings)
            return
        findings = (*self._group_findings, *event.findings)
        group = CheckedGroup(header=event.header, findings=findings, messages=tuple(self._in_group or ()))
        self._groups.append(group)
        self._in_group = None

    def take_message(
        self, message_id: str, message: MessageRead, findings: tuple[Finding, ...], guide: Guide | None
    ) -> None:
        """A message with everything that was found about it."""
        self._ids[self._in_group is not None].append(message_id)
        self._every_id.append(message_id)
        telling = tuple(finding for finding in findings if finding.severity != "note")
        checked = CheckedMessage(header=self._lean(message.header), findings=telling, guide=guide)
        (self._messages if self._in_group is None else self._in_group).append(checked)

    def _lean(self, header: MessageHeader) -> MessageHeader:
        known = self._texts
        shared = {
            name: known.setdefault(text, text)
            for name in ("type", "version", "release", "agency", "association")
            if (text := getattr(header, name))
        }
        return msgspec.structs.replace(header, segment="", **shared)

    def ids(self) -> list[str]:
        """Ids of the messages in the order in which they came."""
        return self._every_id

    def regrade_groups(self, severities: Mapping[str, AgreedSeverity]) -> None:
        """Give the findings about the groups themselves (UNG and UNE, GS and GE) the severities that were agreed."""
        self._groups = [
            msgspec.structs.replace(group, findings=regrade(group.findings, severities)) for group in self._groups
        ]

    def of_groups(self) -> Iterator[Finding]:
        """What was found about the groups themselves, in order."""
        return (finding for group in self._groups for finding in group.findings)

    def verdict(self, findings: tuple[Finding, ...], policy: Policy) -> Verdict:
        """What became of it by what was agreed; `findings` are those about the interchange itself."""
        interchange = CheckedInterchange(
            header=self._header, findings=findings, messages=tuple(self._messages), groups=tuple(self._groups)
        )
        return judge(interchange, policy)

    def outcomes(self, verdict: Verdict) -> dict[str, Outcome]:
        """Outcome by the id of the message: several may have one reference. Empty where no message was looked at."""
        outside, inside = self._ids
        judged = verdict.every_message()
        return {one: message.outcome for one, message in zip([*outside, *inside], judged, strict=True)}
