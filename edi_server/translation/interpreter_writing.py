"""The language interpreted for writing: the oracle of the compiled writer."""

from __future__ import annotations

from typing import Any

from edi_server.canonical import Record
from edi_server.findings import Finding
from edi_server.guides.model import Nesting
from edi_server.translation import faults
from edi_server.translation.composing import Composer, Spoken
from edi_server.translation.keeping import is_below, place_kept, unfold
from edi_server.translation.normal import normal_record
from edi_server.translation.plan import Binding, Frame, Nested, Plan, Scope, Slot
from edi_server.translation.profile import ALL
from edi_server.translation.saying import Said, Sayer, Where, path_of

Spoken_ = dict[int, list[Said]]


def write_record(plan: Plan, document: Record) -> tuple[list[str], list[Finding]]:
    """Segments of a document by a plan made for writing, without UNH and UNT, and what could not be said."""
    findings: list[Finding] = []
    writing = Interpreting(plan, findings)
    segments = writing.root(document)
    if writing.dropped:
        segments = Interpreting(plan, []).root(normal_record(plan, document))
    return segments, sorted(findings, key=by_field)


class Interpreting:
    """One document being written. Compiled writers use it for what they do not do themselves."""

    def __init__(self, plan: Plan, findings: list[Finding]) -> None:
        self.plan, self.guide, self.findings = plan, plan.guide, findings
        #: True if a record said nothing: then what is computed must be computed again without it.
        self.dropped = False
        #: By position of a nested group: the number given last.
        self.numbers = dict.fromkeys((nesting.trigger for nesting in plan.guide.nestings), 0)

    def root(self, document: Record) -> list[str]:
        """The segments of the document."""
        scope = self.plan.root
        said = self._say(scope, document, None)
        inside, _ = self._children(scope, scope.frame, document, said, None, _kept(document))
        return inside

    # -- records

    def item(self, nested: Nested, record: Record, where: Where, above: int, before_it: list[Composer]) -> list[str]:
        """The segments of a record, or none if it says nothing, may not be written, or joined the one before it."""
        scope = self.plan.scopes[nested.scope]
        before = dict(self.numbers)
        number = self._number(nested.nesting)
        said = self._say(scope, record, where)
        for site in scope.sites:
            if site.required and not said.get(id(site)):
                self.findings.append(faults.incomplete(scope.frame, site, path_of((where, site.name, None))))
                self.numbers = before
                return []
        spoken = self._spoken(scope.frame.own, said, where)
        composer = Composer(scope.frame, nested.tests, nested.choice, self.findings)
        kept = _kept(record)
        inside, filled = self._children(scope, scope.frame, record, said, where, kept, number=number)
        has_own = any(_counts(one[0]) for one in spoken)
        if not has_own and not filled:
            self.dropped = True
            self._homeless(kept, where)
            self.numbers = before
            return []
        if not composer.compose(spoken, nested.site, where):
            self.numbers = before
            return []
        if nested.nesting is not None:
            _enter(composer, nested.nesting.id, number)
            _enter(composer, nested.nesting.parent, above)
        if nested.choice is not None:
            if before_it and before_it[-1].join(composer):
                return []
            before_it.append(composer)
            return []
        return [composer.text(), *inside]

    def _number(self, nesting: Nesting | None) -> int:
        if nesting is None:
            return 0
        self.numbers[nesting.trigger] += 1
        return self.numbers[nesting.trigger]

    def _say(self, scope: Scope, record: Record, where: Where) -> Spoken_:
        """What every line of a scope says, in the order of the lines."""
        said: Spoken_ = {}
        for site in scope.sites:
            if site.bindings:
                binding = site.bindings[0]
                frame = _frame_of(scope.frame, binding)
                said[id(site)] = Sayer(self.guide, frame, binding).say(record, where, self.findings)
            elif site.line.kind in ("within", "each"):
                value = getattr(record, site.name)
                said[id(site)] = [()] if value else []
        return said

    def _spoken(self, bindings: list[Binding], said: Spoken_, where: Where) -> list[Spoken]:
        return [
            (binding, one, (where, binding.site.name or binding.site.line.field, None))
            for binding in bindings
            for one in said.get(id(binding.site), ())
        ]

    # -- what hangs on a segment

    def _children(
        self,
        scope: Scope,
        frame: Frame,
        record: Record,
        said: Spoken_,
        where: Where,
        kept: list[str],
        *,
        number: int = 0,
    ) -> tuple[list[str], bool]:
        """The segments below a frame in the order of the guide, and whether lines said any of them."""
        chunks, below = self._place(frame, kept, where)
        out: list[str] = []
        filled = False
        always = [row for row in self.guide.positions if row.tag == "UNS"] if not frame.position else []
        for position in sorted({*frame.positions(), *chunks, *(row.index for row in always)}, key=_order(frame)):
            if any(row.index == position for row in always):
                out.append("UNS+S")
            for taker in frame.at(position):
                if isinstance(taker, Slot):
                    some = self._slot(scope, taker, record, said, where, below)
                else:
                    some = self.items(taker, record, where, number)
                filled |= bool(some)
                out += some
            out += chunks.get(position, [])
        self._homeless(below, where)
        return out, filled

    def items(self, nested: Nested, record: Record, where: Where, above: int) -> list[str]:
        """The segments of the records in a field."""
        value = getattr(record, nested.site.name)
        if value is None:
            return []
        items = value if isinstance(value, tuple) else (value,)
        out: list[str] = []
        composers: list[Composer] = []
        for index, item in enumerate(items):
            at = index if isinstance(value, tuple) else None
            out += self.item(nested, item, (where, nested.site.name, at), above, composers)
        return out + [composer.text() for composer in composers]

    def _slot(
        self, scope: Scope, slot: Slot, record: Record, said: Spoken_, where: Where, below: list[str]
    ) -> list[str]:
        spoken = self._spoken(slot.frame.own, said, where)
        if slot.many:
            return self.many(slot, spoken, where)
        kept = unfold(below, slot.key)
        inside, filled = self._children(scope, slot.frame, record, said, where, kept)
        if not filled and not any(_counts(one[0]) for one in spoken):
            return []
        _forget(below, slot.key)
        composer = Composer(slot.frame, slot.tests, slot.choice, self.findings, spills=not slot.is_group)
        if not composer.compose(spoken, spoken[0][0].site if spoken else None, where):
            return []
        return [*composer.texts(), *inside]

    def many(self, slot: Slot, spoken: list[Spoken], where: Where) -> list[str]:
        """A list of values, or a text that goes through several segments."""
        out = []
        size = _per_segment(slot)
        values = [one for one in spoken if _counts(one[0])]
        constants = [one for one in spoken if not _counts(one[0])]
        for start in range(0, len(values), size):
            composer = Composer(slot.frame, slot.tests, slot.choice, self.findings)
            if composer.compose([*values[start : start + size], *constants], values[0][0].site, where):
                out.append(composer.text())
        return out

    # -- kept segments

    def _place(self, frame: Frame, kept: list[str], where: Where) -> tuple[dict[int, list[str]], list[str]]:
        """Kept segments by position, and those that belong below a slot."""
        chunks: dict[int, list[str]] = {}
        below = []
        for text in kept:
            if is_below(text):
                below.append(text)
                continue
            placed = place_kept(self.guide, frame.position, text) if self.plan.profile.keep else None
            if placed is None:
                self._homeless([text], where)
            else:
                chunks.setdefault(placed[0], []).extend(placed[1])
        return chunks, below

    def _homeless(self, kept: list[str], where: Where) -> None:
        self.findings += [faults.no_place(path_of((where, "kept", None)), text) for text in kept]


def _kept(record: Record) -> list[str]:
    return list(getattr(record, "kept", ()))


def by_field(finding: Finding) -> tuple[str, str, str]:
    """Findings of writing are told in the order of fields."""
    return (finding.place.field or "", finding.code, finding.sentence)


def _counts(binding: Binding) -> bool:
    """True if what a binding says is reason enough to write its segment."""
    line = binding.site.line
    return line.kind != "constant" or line.at[0].always


def _order(frame: Frame) -> Any:
    """Rows of the guide in order; inside a nested group the further levels come last."""
    return lambda position: (position == frame.position, position)


def _per_segment(slot: Slot) -> int:
    """How many values of a list go into one segment."""
    binding = next(one for one in slot.frame.own if one.site.many or one.site.spread)
    if binding.site.spread:
        return 1
    many = binding.site.line.many
    return len(binding.spots[0].choice.elements) if many == ALL else many


def _forget(below: list[str], key: str) -> None:
    below[:] = [text for text in below if not text.startswith(f"@{key} ")]


def _enter(composer: Composer, place: tuple[int, int], number: int) -> None:
    if number:
        composer.elements.setdefault(place[0], {})[place[1]] = str(number)


def _frame_of(frame: Frame, binding: Binding) -> Frame:
    if any(one is binding for one in frame.own):
        return frame
    for taker in frame.takers:
        if isinstance(taker, Slot) and any(one is binding for one in taker.bindings()):
            return _frame_of(taker.frame, binding)
    return frame
