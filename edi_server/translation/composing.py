"""Segments put together from what lines say, with conditions turned into constants and checked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from edi_server.findings import Finding
from edi_server.syntax.normal import from_text
from edi_server.translation import faults
from edi_server.translation.plan import Binding, Choice, Demand, Frame, Site
from edi_server.translation.saying import Said, Where, path_of

Elements = dict[int, dict[int, str]]
#: What one binding says, with the place of the value in the document.
Spoken = tuple[Binding, Said, Where]


class Composer:
    """One segment being put together; texts are plain until `text` makes the normal form.

    With `spills`, a composite that finds no place goes into a further segment like it (`more`).
    """

    def __init__(
        self,
        frame: Frame,
        tests: tuple[Demand, ...],
        choice: Choice | None,
        findings: list[Finding],
        *,
        spills: bool = False,
    ) -> None:
        self.frame, self.tests, self.choice, self.findings, self.spills = frame, tests, choice, findings, spills
        self.elements: Elements = {}
        self.more: list[Elements] = []
        #: Elements of this segment, and of each further one, that hold a chosen composite.
        self.taken: list[set[int]] = [set()]

    def compose(self, spoken: Sequence[Spoken], site: Site | None, where: Where) -> bool:
        """Put everything in; False, with a finding, if the segment would not be read by the line it is written for."""
        for test in self.tests:
            if test.values and not test.negated and not _says(spoken, test):
                self._put(test.element, test.component, test.values[0])
        chosen: dict[Choice, list[Spoken]] = {}
        for one in spoken:
            choice = one[0].spots[0].choice
            if not choice.elements and self.choice is not None:
                choice = Choice(self.choice.elements, (*self.choice.tests, *choice.tests))
                chosen.setdefault(choice, []).append(one)
            elif one[0].site.many or choice.tests or len(choice.elements) > 1:
                chosen.setdefault(choice, []).append(one)
            else:
                self._put_plain(one)
        plain = {element: dict(parts) for element, parts in self.elements.items()}
        for choice, those in chosen.items():
            for part in _rounds(those):
                self._put_composite(choice, part, plain)
        return self._is_as_wanted(site, where)

    def _put(self, element: int, component: int, text: str) -> bool:
        """Put a text in its place; False if another one is there."""
        parts = self.elements.setdefault(element, {})
        return parts.setdefault(component, text) == text

    def _put_plain(self, one: Spoken) -> None:
        binding, said, where = one
        for spot, texts in zip(binding.spots, said, strict=True):
            for component, text in zip(spot.components, texts, strict=False):
                if text and not self._put(spot.choice.elements[0], component, text):
                    self.findings.append(faults.place_taken(self.frame, binding.site, spot, path_of(where), text))

    def _put_composite(self, choice: Choice, those: list[Spoken], plain: Elements) -> None:
        """Put a composite into this segment, or into a further one."""
        parts: dict[int, str] = {}
        for binding, said, _ in those:
            for spot, texts in zip(binding.spots, said, strict=True):
                parts |= {c: text for c, text in zip(spot.components, texts, strict=False) if text}
        for test in choice.tests:
            if test.values and not test.negated:
                parts.setdefault(test.component, test.values[0])
        binding, said, where = those[0]
        failing = next((test for test in choice.tests if not test.holds(parts.get(test.component, ""))), None)
        if failing is not None:
            value = parts.get(failing.component, "")
            self.findings.append(faults.misfiled(self.frame, binding.site, path_of(where), value))
            return
        if any(map(_enter, (self.elements, *self.more), self.taken, repeat(choice), repeat(parts))):
            return
        if self.spills:
            further = {element: dict(parts) for element, parts in plain.items()}
            taken: set[int] = set()
            if _enter(further, taken, choice, parts):
                self.more.append(further)
                self.taken.append(taken)
                return
        self.findings.append(faults.place_taken(self.frame, binding.site, binding.spots[0], path_of(where), said[0][0]))

    def _is_as_wanted(self, site: Site | None, where: Where) -> bool:
        for test in self.tests:
            text = self.elements.get(test.element, {}).get(test.component, "")
            if not test.holds(text):
                if site is not None:
                    self.findings.append(faults.misfiled(self.frame, site, path_of(where), text))
                return False
        return True

    def join(self, other: Composer) -> bool:
        """Take the composites of a segment that is the same but for them, if there is room for all."""
        assert self.choice is not None  # only records that are composites share a segment
        inside = set(self.choice.elements)
        if _without(self.elements, inside) != _without(other.elements, inside):
            return False
        parts = [other.elements[element] for element in sorted(inside) if element in other.elements]
        free = [element for element in self.choice.elements if element not in self.elements]
        if len(parts) > len(free):
            return False
        self.elements |= dict(zip(free, parts, strict=False))
        return True

    def text(self) -> str:
        """The segment in normal form, without what is empty at the end."""
        return _text(self.frame.tag, self.elements)

    def texts(self) -> list[str]:
        """The segment and those that it spilled into."""
        return [self.text(), *(_text(self.frame.tag, elements) for elements in self.more)]


def _without(elements: Elements, inside: set[int]) -> Elements:
    return {element: parts for element, parts in elements.items() if element not in inside}


def _enter(elements: Elements, taken: set[int], choice: Choice, parts: dict[int, str]) -> bool:
    """Put a composite into the first element of a choice that has room for it: no other was put there."""
    for element in choice.elements:
        there = elements.get(element, {})
        if element not in taken and (not there or (len(choice.elements) == 1 and not there.keys() & parts.keys())):
            elements[element] = there | parts
            taken.add(element)
            return True
    return False


def _text(tag: str, elements: Elements) -> str:
    last = max((element for element, parts in elements.items() if any(parts.values())), default=0)
    return "+".join([tag, *(_composite(elements.get(element, {})) for element in range(1, last + 1))])


def _composite(parts: dict[int, str]) -> str:
    last = max((component for component, text in parts.items() if text), default=0)
    return ":".join(from_text(parts.get(component, "")) for component in range(1, last + 1))


def _says(spoken: Sequence[Spoken], test: Demand) -> bool:
    """True if a line says what stands at a tested place."""
    for binding, said, _ in spoken:
        for spot, texts in zip(binding.spots, said, strict=True):
            if spot.choice.elements == (test.element,) and not spot.choice.tests:
                for component, text in zip(spot.components, texts, strict=False):
                    if component == test.component and text:
                        return True
    return False


def _rounds(those: list[Spoken]) -> list[list[Spoken]]:
    """One composite for all lines together, or for the values of a list one each."""
    if any(binding.site.many for binding, _, _ in those):
        return [[one] for one in those]
    return [those]
