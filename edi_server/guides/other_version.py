"""What a guide of another version than the message's own says too strictly.

Directories and dictionaries grow: they get codes, their elements longer, their segments and composites more places at
the end (BGM of D.16A has six elements, that of D.10A four). What only the size of the nearest known version speaks
against is no error of the sender. A segment without a place stays one: whatever the sender's version has, nothing is
made of that segment here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from edi_server.findings import Finding

#: Unknown codes, which grow as well, are graded by `codes` of `edi_server.guides.check`.
_GROWING = frozenset(
    {
        "guide.component-superfluous",
        "guide.element-repeats",
        "guide.element-superfluous",
        "guide.value-too-long",
    }
)


def soften(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, warnings where the message's own version may allow what the nearest does not."""
    for finding in findings:
        yield replace(finding, severity="warning") if finding.code in _GROWING else finding
