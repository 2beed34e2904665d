"""One package of a UN/EDIFACT interchange, UNO to UNP: its object is skipped, whatever bytes it has, but can be found.

Source: ISO 9735-8:2002; 0810 is the length of the object in bytes.
"""

from __future__ import annotations

from edi_server.envelope.edifact_headers import Fields, PlaceOf, is_count
from edi_server.envelope.model import PackageRead
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import Block, Window

#: Bytes. The end of an object that is longer is believed to be where UNO says, without looking.
_LARGEST_LOOK = 256 * 1024
_NEAR = 1024
#: More bytes than a line break or two between object and UNP belong to the object.
_LINE_BREAKS = 4
_LONGEST_COUNT = 18


class OpenPackage:
    """From UNO on, until it is closed."""

    def __init__(self, block: Block, index: int, place: Place) -> None:
        #: Of UNO.
        self.place = place
        self._segment = block.segments[index]
        self._offset = block.offsets[index]
        self._start = block.end_of(index)
        field = Fields(self._segment)
        self._reference, self._count = field(1), field(4)
        is_length = self._count.isdecimal() and len(self._count) <= _LONGEST_COUNT
        self._length = int(self._count) if is_length else 0

    def skip(self, window: Window, element: bytes) -> None:
        """Move the window, which stands on the object, to UNP: where the length says or anywhere near."""
        if self._length > _LARGEST_LOOK:
            window.skip(self._length)
            return
        trailer = b"UNP" + element
        piece = window.look(self._length + _NEAR)
        at = self._length if piece[self._length :].lstrip().startswith(trailer) else piece.find(trailer)
        window.drop(max(at, 0))

    def close(self, block: Block, index: int, place: PlaceOf) -> tuple[PackageRead, list[Finding]]:
        """The package, ended by UNP at that index."""
        package = self.cut_off(block.offsets[index])
        field = Fields(block.segments[index])
        findings = []
        if not is_count(self._count, package.length) or not is_count(field(1), package.length):
            found = self._count if not is_count(self._count, package.length) else field(1)
            findings.append(remark("envelope.unp-length", place(1, 1), found=found, expected=str(package.length)))
        if field(2).strip() != self._reference.strip():
            finding = remark("envelope.unp-reference", place(2, 1), found=field(2), expected=self._reference)
            findings.append(finding)
        return package, findings

    def cut_off(self, end: int) -> PackageRead:
        """The package whose object ends before the offset `end`, a line break in front of it left out."""
        length = max(end - self._start, 0)
        if self._length and 0 <= length - self._length <= _LINE_BREAKS:
            length = self._length
        return PackageRead(
            reference=self._reference,
            offset=self._offset,
            start=self._start,
            length=length,
            segment=self._segment,
        )
