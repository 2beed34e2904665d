"""From a value of a document to the texts that say it in a message, with the finding where it cannot be said.

What is said is never cut: a text is split at its joints and wrapped into its components, and if there is no room for
all of it, it is not written at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from edi_server.findings import Finding
from edi_server.guides.model import Guide
from edi_server.translation import faults
from edi_server.translation.codecs import Unsayable, clean_text, write_decimal
from edi_server.translation.plan import Binding, Frame, Site, Spot
from edi_server.translation.profile import ALL

#: Where a value stands in its document: (of what, field, index or None), innermost first.
Where = tuple[Any, str, int | None] | None

#: For each spot of a binding, the texts of its components.
Said = tuple[tuple[str, ...], ...]


def path_of(where: Where) -> str:
    """A place in a document as people write it, such as `lines[3].quantity`."""
    parts: list[str] = []
    while where is not None:
        where, field, index = where
        parts.append(field if index is None else f"{field}[{index}]")
    return ".".join(reversed(parts))


def is_absent(value: Any) -> bool:
    """True for what counts as absent: None, an empty text, an empty list."""
    return value is None or value in ("", ())


class Sayer(msgspec.Struct, frozen=True):
    """Says the values of one line, in one frame."""

    guide: Guide
    frame: Frame
    binding: Binding

    def say(self, record: Any, where: Where, findings: list[Finding]) -> list[Said]:
        """What is written for the line: nothing, once, or for lists and long texts several times."""
        site = self.binding.site
        if site.line.kind == "constant":
            return [((site.line.value,),)]
        if site.formula is not None:
            number = site.formula.of(record)
            return [] if number is None else [(write_decimal(number),)]
        value = getattr(record, site.name)
        if is_absent(value):
            if site.line.default is None:
                return []
            value = site.line.default
        at = (where, site.name, None)
        if not all(getattr(record, field) == wanted for field, wanted in site.line.when):
            wanted = " and ".join(f"{field} is {value}" for field, value in site.line.when)
            findings.append(self._unsayable(at, value, f"is only written when {wanted}"))
            return []
        if site.many:
            return [said for n, one in enumerate(value) for said in self._one(one, (where, site.name, n), findings)]
        return list(self._one(value, at, findings))

    def _one(self, value: Any, where: Where, findings: list[Finding]) -> Iterator[Said]:
        site, spot = self.binding.site, self.binding.spots[0]
        if is_absent(value):
            return
        if site.spread:
            yield from self._spread(str(value), where, findings)
            return
        texts = self._texts(value, where, findings)
        if texts is None:
            return
        if len(spot.components) > 1:
            lines = split_text(texts[0], site.line.join, room_of(site, spot))
            if len(lines) > len(spot.components):
                findings.append(self._too_long(where, texts[0], len(spot.components)))
            elif lines:
                yield (tuple(lines),)
            return
        said = tuple((text,) for text in texts)
        for one, text in zip(self.binding.spots, texts, strict=True):
            if length_of(text, one) > room_of(site, one):
                findings.append(faults.too_long(self.frame, site, one, path_of(where), text, room_of(site, one)))
                return
        if texts[0]:
            yield said

    def _texts(self, value: Any, where: Where, findings: list[Finding]) -> tuple[str, ...] | None:
        site, spot = self.binding.site, self.binding.spots[0]
        if site.codes is not None:
            code = site.codes.writing.get(value)
            if code is None and site.line.open and value not in site.codes.reading:
                code = str(value)
            if code is None:
                findings.append(faults.no_code(self.frame, site, spot, path_of(where), value))
                return None
            return (clean_text(code),)
        try:
            texts = site.codec.write(value)
        except Unsayable as why:
            findings.append(self._unsayable(where, value, str(why)))
            return None
        if len(spot.components) > 1:
            return texts
        return tuple(map(clean_text, texts))

    def _spread(self, text: str, where: Where, findings: list[Finding]) -> Iterator[Said]:
        chunks = spread_text(text, self.binding, self.guide)
        if chunks is None:
            lines = len(self.binding.spots[0].components) * most_segments(self.binding, self.guide)
            findings.append(self._too_long(where, text, lines))
            return
        for chunk in chunks:
            yield (chunk,)

    def _too_long(self, where: Where, text: str, lines: int) -> Finding:
        site, spot = self.binding.site, self.binding.spots[0]
        return faults.too_long(self.frame, site, spot, path_of(where), text, room_of(site, spot), lines)

    def _unsayable(self, where: Where, value: Any, why: str) -> Finding:
        site = self.binding.site
        shown = getattr(value, "iso", value)
        return faults.not_sayable(self.frame, site, self.binding.spots[0], path_of(where), shown, why)


def room_of(site: Site, spot: Spot) -> int:
    """How many characters one component takes: the guide's limit, or the profile's narrower one."""
    return min(site.line.width or spot.element.max_length, spot.element.max_length)


def length_of(text: str, spot: Spot) -> int:
    """Length as the standard counts it: sign and decimal mark of a number do not count (ISO 9735, 10; X12.6, 3.4)."""
    kind = spot.element.kind
    is_number = kind in ("n", "R") or (kind[0] == "N" and kind[1:].isdigit())
    return sum(mark.isdigit() for mark in text) if is_number else len(text)


def most_segments(binding: Binding, guide: Guide) -> int:
    """How many segments a text may go through."""
    many = binding.site.line.many
    group = guide.groups.get(binding.position)
    return (group or guide.position(binding.position)).repeat if many == ALL else many


def spread_text(text: str, binding: Binding, guide: Guide) -> list[tuple[str, ...]] | None:
    """The lines of a text for each of several segments, or None if there is no room for all."""
    site, spot = binding.site, binding.spots[0]
    # Empty lines would be lost where segments meet, so they are left out everywhere.
    lines = [line for line in split_text(text, site.line.join, room_of(site, spot)) if line]
    size = len(spot.components)
    chunks = [lines[start : start + size] for start in range(0, len(lines), size)]
    return None if len(chunks) > most_segments(binding, guide) else [tuple(chunk) for chunk in chunks]


def split_text(text: str, joint: str | None, width: int) -> list[str]:
    """The lines of a text, each cleaned and no longer than `width`; trailing empty ones left out.

    Lines joined by a line feed are wrapped at blanks where there are any, all others exactly at the width.
    """
    joint = "\n" if joint is None else joint
    lines: list[str] = []
    for line in text.split(joint) if joint else [text]:
        lines += _wrap(clean_text(line), width, at_blanks=joint == "\n")
    return strip_tail(lines)


def strip_tail(lines: list[str]) -> list[str]:
    """The lines without empty ones at the end."""
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return lines[:end]


def _wrap(line: str, width: int, *, at_blanks: bool) -> list[str]:
    pieces = []
    while len(line) > width:
        blank = line.rfind(" ", 1, width + 1) if at_blanks else -1
        pieces.append(line[: blank if blank > 0 else width])
        line = line[blank + 1 :] if blank > 0 else line[width:]
    return [*pieces, line] if line or not pieces else pieces
