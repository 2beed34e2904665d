"""The normal form of a document: what reading it back after writing gives (the first law of the language).

Empty texts and records are absent, defaults filled in, texts wrapped to the places that they go to, dates and numbers
as their codecs read them back, kept segments in the order of the guide. Lines that differ by direction are left alone.
What cannot be said at all stays as it is: writing gives the finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from edi_server.canonical import Record, When
from edi_server.translation.codecs import CODECS, Unreadable, Unsayable, clean_text
from edi_server.translation.keeping import is_below, place_kept
from edi_server.translation.plan import Frame, Nested, Plan, Scope, Site, Slot
from edi_server.translation.records import fields_of
from edi_server.translation.saying import is_absent, room_of, split_text, spread_text


def normal_record(plan: Plan, record: Record) -> Record:
    """The normal form of a document (or arrangement) by a plan made for writing."""
    done = _normal(plan, plan.root, record, None)
    assert done is not None  # the document itself is never absent
    return done


def _normal(plan: Plan, scope: Scope, record: Record, nested: Nested | None) -> Record | None:
    values: dict[str, Any] = {}
    takers = {id(taker.site): taker for taker in _nested(scope.frame)}
    for site in scope.sites:
        field = site.line.field
        if site.line.kind in ("constant", "computed"):
            continue
        value = getattr(record, field)
        if site.entry.one_way:
            values[field] = value
        elif site.line.kind == "value":
            values[field] = _value(plan, site, value)
        elif id(site) in takers:
            values[field] = _items(plan, takers[id(site)], value)
    implied = _implied(scope, nested)
    values = {field: implied.get(field) if value is None else value for field, value in values.items()}
    filled = {field: value for field, value in values.items() if not is_absent(value)}
    if nested is not None:
        required = [one.name for one in fields_of(scope.record).values() if one.required]
        if not filled or any(name not in filled for name in required):
            return None
    for site in scope.sites:
        if site.line.default is not None:
            filled.setdefault(site.line.field, site.line.default)
    kept = tuple(
        text for _, text in sorted(_kept(plan, scope.frame, getattr(record, "kept", ())), key=lambda one: one[0])
    )
    return scope.record(**filled, **({"kept": kept} if kept else {}))


def _implied(scope: Scope, nested: Nested | None) -> dict[str, Any]:
    """What the path to a record says where the record itself does not: the first of the qualifiers."""
    implied = {}
    for test in nested.tests if nested else ():
        for binding in scope.frame.own:
            spot = binding.spots[0]
            at = (spot.choice.elements, spot.components)
            if at == ((test.element,), (test.component,)) and test.values and not test.negated:
                implied[binding.site.line.field] = test.values[0]
    return implied


def _items(plan: Plan, nested: Nested, value: Any) -> Any:
    scope = plan.scopes[nested.scope]
    if not isinstance(value, tuple):
        return None if value is None else _normal(plan, scope, value, nested)
    return tuple(done for one in value if (done := _normal(plan, scope, one, nested)) is not None)


def _value(plan: Plan, site: Site, value: Any) -> Any:
    if not site.bindings:
        return value
    if site.many:
        return tuple(done for one in value if not is_absent(done := _one(plan, site, one)))
    return None if is_absent(value) else _one(plan, site, value)


def _one(plan: Plan, site: Site, value: Any) -> Any:
    binding = site.bindings[0]
    spot = binding.spots[0]
    joint = "\n" if site.line.join is None else site.line.join
    if isinstance(value, When):
        return _when(site, value)
    if not isinstance(value, str) or site.codes is not None:
        return value
    if site.spread:
        chunks = spread_text(value, binding, plan.guide)
        return value if chunks is None else joint.join(joint.join(chunk) for chunk in chunks) or None
    if len(spot.components) > 1:
        return joint.join(split_text(value, joint, room_of(site, spot))) or None
    return clean_text(value) or None


def _when(site: Site, value: When) -> When:
    """A date as its codec reads it back."""
    codec = CODECS[site.line.codec]
    try:
        return codec.read(*codec.write(value))  # type: ignore[no-any-return]  # a codec for dates reads dates
    except (Unreadable, Unsayable):
        return value


def _nested(frame: Frame) -> Iterator[Nested]:
    for taker in frame.takers:
        if isinstance(taker, Slot):
            yield from _nested(taker.frame)
        else:
            yield taker


def _kept(plan: Plan, frame: Frame, texts: Iterable[str]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Kept texts with their places in the order of the message; those without a place are left out."""
    for text in texts:
        if is_below(text):
            yield from _kept_below(plan, frame, text)
            continue
        placed = place_kept(plan.guide, frame.position, text)
        if placed is not None:
            yield (placed[0], 1), text


def _kept_below(plan: Plan, frame: Frame, text: str) -> Iterator[tuple[tuple[int, ...], str]]:
    step, _, rest = text[1:].partition(" ")
    for number, taker in enumerate(frame.takers):
        if isinstance(taker, Slot) and taker.key == step:
            for place, inner in _kept(plan, taker.frame, [rest]):
                yield (taker.position, 0, number, *place), f"@{step} {inner}"
