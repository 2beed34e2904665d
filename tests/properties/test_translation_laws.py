"""The laws of the profile language, and the compiler against its oracle, on generated documents."""

from __future__ import annotations

import os
import typing
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edi_server.canonical import DOCUMENTS, Record, When
from edi_server.findings import has_errors
from edi_server.guides import Tree, check, load_guide
from edi_server.translation import Translator, load_profile, translator_for
from edi_server.translation.compiler import compile_reader
from edi_server.translation.interpreter import read_tree
from edi_server.translation.interpreter_writing import write_record
from edi_server.translation.plan import Demand, Nested, Scope, Site, Slot
from edi_server.translation.saying import room_of, split_text
from edi_server.translation.views import VIEWS

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

PROFILES = {"ORDERS": "edifact/orders", "DESADV": "edifact/desadv"}
PAIRS = [(message, version) for message in PROFILES for version in ("D.96A", "D.01B")]
#: More for a long run: EDI_SERVER_EXAMPLES=2000 pytest tests/properties/test_translation_laws.py
EXAMPLES = int(os.environ.get("EDI_SERVER_EXAMPLES", "40"))
QUICK = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

#: Separators, the release character, line breaks, blanks, letters of several scripts.
TEXT = st.text(alphabet="aZ09 +:'*?.,-/\né€ßЖ\x02", max_size=12)
WORD = st.text(alphabet="aZ09+:'*?é€Ж", min_size=1, max_size=12)
QUALIFIERS = [
    *"9",
    "ZZ1",
    "ZZ2",
    "BY",
    "137",
    "2",
    "ON",
    "VA",
    "21",
    "F",
    "7",
    "SA",
    "IN",
    "TE",
    "33E",
    "17",
    "203",
    "86",
]


@cache
def translator(message: str, version: str) -> Translator:
    return translator_for(load_profile(PROFILES[message]), load_guide(version=version, message=message))


def tree_of(translator: Translator, segments: list[str]) -> Tree:
    message, version = translator.guide.message, translator.guide.version
    whole = [f"UNH+1+{message}:D:{version[2:]}:UN", *segments, f"UNT+{len(segments) + 2}+1"]
    released = any(mark in segment for segment in segments for mark in "\x01\x02\x03\x05")
    return check(translator.guide, whole, released=released).tree


# -- documents that a profile can say


MOMENTS = st.sampled_from(
    [
        "2026-11-23",
        "2024-02-29",
        "2026-11-23T10:30",
        "2026-11-23T10:30:15",
        "2026-11-23T10:30+01:00",
        "2026-11-23T10:30:15-05:00",
        "2026-11",
        "2026",
        "2026-W47",
        "2026-11-23/2026-11-30",
        "2026-11-23T08:00/2026-11-23T16:00",
        "2026-11/2026-12",
        "2026-W47/2026-W48",
    ]
)
WHEN = MOMENTS.map(lambda iso: When(iso=iso)) | st.sampled_from(
    [
        When(iso="soon", format="ZZZ"),
        When(iso="20261123", format="102"),
        When(iso="199708301200", format="102"),
        When(iso="7"),
    ]
).filter(lambda when: when.format is not None)
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=3, allow_nan=False) | st.sampled_from(
    [Decimal("1E+3"), Decimal("0.10"), Decimal(0), Decimal("-0.5")]
)
#: Segments that no line of the base profiles reads, by the tag of the record that keeps them.
KEPT = {
    "": ["ALI+++1", "RCS+1'RFF+ON:1'DTM+2:20260101:102"],
    "NAD": ["LOC+7+X", "LOC+8+Y"],
    "LIN": ["PIA+2+ABC:EN", "GIN+BX+1", "QVR+1:12", "ALI+NL"],
    "CPS": [],
    "PAC": ["QTY+52:3"],
}


class Sayable:
    """Documents (or arrangements) that a profile can say: texts that fit, qualifiers that belong where they stand."""

    def __init__(self, translator: Translator) -> None:
        self.plan = translator.writing_plan
        self.message = translator.guide.message
        self.documents = self.records(self.plan.root.key, None, 0)

    def records(self, key: Any, nested: Nested | None, depth: int) -> st.SearchStrategy[Record]:
        scope = self.plan.scopes[key]
        takers = {id(taker.site): taker for taker in nested_of(scope.frame)}
        fields = {}
        for site in scope.sites:
            if site.line.kind == "value":
                fields[site.line.field] = self.values(site, nested)
            elif site.line.kind in ("within", "each"):
                taker = takers[id(site)]
                deeper = depth + (taker.scope == key)
                if deeper <= 2:
                    inner = self.records(taker.scope, taker, deeper)
                    several = st.lists(inner, max_size=2).map(tuple)
                    fields[site.line.field] = st.none() | inner if site.line.kind == "within" else several
        fields |= self.kept(scope)
        needed = {site.line.field for site in scope.sites if site.required or wanted(site, nested)}
        return some_of(fields, needed, 8).map(lambda found: scope.record(**exclusive(found)))

    def kept(self, scope: Scope) -> dict[str, st.SearchStrategy[Any]]:
        texts = KEPT.get(scope.frame.tag, []) if scope.keeps and not scope.key[2] else []
        texts = [text for text in texts if self.message == "ORDERS" or text[:3] not in ("RCS", "QVR")]
        return {"kept": st.lists(st.sampled_from(texts), max_size=2, unique=True).map(tuple)} if texts else {}

    def values(self, site: Site, nested: Nested | None) -> st.SearchStrategy[Any]:
        if site.codes is not None:
            return st.sampled_from(sorted(site.codes.writing))
        spot = site.bindings[0].spots[0]
        if site.codec.kind == "when":
            value: st.SearchStrategy[Any] = WHEN
        elif site.codec.kind == "decimal":
            value = NUMBERS if spot.element.max_length >= 15 else st.integers(0, 999).map(Decimal)
        else:
            value = texts_for(site, list(conditions(nested, spot)))
        if site.many:
            return st.lists(value, max_size=3).map(tuple)
        return value if site.required or wanted(site, nested) else st.none() | value


def texts_for(site: Site, tests: list[Demand]) -> st.SearchStrategy[str]:
    """Texts that fit a place, and fulfil the conditions there."""
    spot = site.bindings[0].spots[0]
    room = room_of(site, spot)
    if tests:
        allowed = [one for one in QUALIFIERS if all(test.holds(one) for test in tests) and len(one) <= room]
        return st.sampled_from(allowed + [one for test in tests if not test.negated for one in test.values])
    if len(spot.components) > 1:
        size = 20 if site.spread else len(spot.components)
        lines = st.lists(TEXT | st.text("ab ", min_size=room, max_size=room + 9), max_size=4)
        return lines.map("\n".join).filter(lambda text: site.required <= len(split_text(text, "\n", room)) <= size)
    short = WORD | TEXT.map(lambda text: text.strip() or "x")
    return (short if site.required or site.many else st.just("") | short).map(lambda text: text[:room])


def some_of(
    fields: dict[str, st.SearchStrategy[Any]], needed: set[str], most: int
) -> st.SearchStrategy[dict[str, Any]]:
    """Values for some of the fields: documents that fill all of them at once are rare, and slow to make."""
    optional = sorted(set(fields) - needed)
    if not optional:
        return st.fixed_dictionaries(fields)
    least = min(3, len(optional))
    chosen = st.lists(st.sampled_from(optional), min_size=least, max_size=most, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: fields[name] for name in sorted({*names, *needed})})
    )


def conditions(nested: Nested | None, spot: Any) -> Iterator[Demand]:
    """Conditions that a value must fulfil where it stands."""
    for test in nested.tests if nested else ():
        if spot.choice.elements == (test.element,) and spot.components == (test.component,):
            yield test
    for test in nested.choice.tests if nested and nested.choice and not spot.choice.elements else ():
        if spot.components == (test.component,):
            yield test
    for test in spot.choice.tests:
        if test.component in spot.components:
            yield test


def wanted(site: Site, nested: Nested | None) -> bool:
    """True if the way to a record asks for the field to be filled."""
    return site.line.kind == "value" and any(
        not test.holds("") for test in conditions(nested, site.bindings[0].spots[0]) if not test.values
    )


def says(value: Any) -> bool:
    """True if a value would be written, however deep it is."""
    if isinstance(value, tuple):
        return any(map(says, value))
    if isinstance(value, Record) and not isinstance(value, When):
        return any(says(getattr(value, name)) for name in value.__struct_fields__ if name != "kept")
    return bool(value.strip()) if isinstance(value, str) else value is not None


def exclusive(found: dict[str, Any]) -> dict[str, Any]:
    """A party and a line have one number in their one place, and what says nothing keeps nothing."""
    if not any(says(value) for name, value in found.items() if name != "kept"):
        found.pop("kept", None)
    if found.get("gln") or found.get("gtin"):
        found |= {name: None for name in ("code", "code_list", "article", "article_scheme") if name in found}
    return found


def nested_of(frame: Any) -> Iterator[Nested]:
    for taker in frame.takers:
        yield from nested_of(taker.frame) if isinstance(taker, Slot) else [taker]


def documents(translator: Translator) -> st.SearchStrategy[Record]:
    view = VIEWS.get(translator.profile.view or "")
    found = Sayable(translator).documents
    return found.map(view.to_document) if view else found


@pytest.mark.parametrize(("message", "version"), PAIRS)
def test_what_is_written_reads_back_as_the_normal_form(message: str, version: str) -> None:
    there = translator(message, version)

    @QUICK
    @given(documents(there))
    def law(document: Record) -> None:
        written = there.write(document)
        assert not [one for one in written.findings if one.code.startswith("profile.")]
        read = there.read(tree_of(there, written.segments))
        assert read.document == there.normal(document)
        assert not [one for one in read.findings if one.code.startswith("profile.") and one.severity == "error"]

    law()


@pytest.mark.parametrize(("message", "version"), PAIRS)
def test_the_normal_form_is_its_own_and_writes_the_same_bytes(message: str, version: str) -> None:
    there = translator(message, version)

    @QUICK
    @given(documents(there))
    def law(document: Record) -> None:
        normal = there.normal(document)
        assert there.normal(normal) == normal
        first = there.write(document).segments
        assert there.write(normal).segments == first
        assert there.write(there.read(tree_of(there, first)).document).segments == first

    law()


# -- any documents, sayable or not


def any_value(kind: Any, depth: int) -> st.SearchStrategy[Any]:  # noqa: PLR0911 — one answer for each kind of type
    arguments = typing.get_args(kind)
    if type(None) in arguments:
        return st.none() | any_value(next(one for one in arguments if one is not type(None)), depth)
    if typing.get_origin(kind) is tuple:
        return st.lists(any_value(arguments[0], depth + 1), max_size=2).map(tuple) if depth < 4 else st.just(())
    if typing.get_origin(kind) is typing.Literal:
        return st.sampled_from(arguments)
    if kind is Decimal:
        # Signalling NaN cannot even be compared.
        return st.decimals().filter(lambda number: not number.is_snan()) | NUMBERS
    if kind is When:
        return WHEN | TEXT.map(lambda iso: When(iso=iso))
    if kind is str:
        return st.sampled_from(QUALIFIERS) | TEXT | st.text("x ", min_size=60, max_size=400)
    return any_record(kind, depth + 1)


@cache
def any_record(kind: type[Record], depth: int = 0) -> st.SearchStrategy[Record]:
    hints = typing.get_type_hints(kind)
    fields = {name: any_value(hints[name], depth) for name in kind.__struct_fields__ if name != "kept"}
    if "kept" in hints:
        texts = ["", "DTM", "@PRI[5125=AAA] RNG+1", "@X y", "RFF'DTM+9:1", "ZZZ+1", "FTX+A'", "UNS+S", "APR+WS"]
        fields["kept"] = st.just(()) | st.lists(st.sampled_from(texts), max_size=3).map(tuple)
    needed = {one.name for one in msgspec.structs.fields(kind) if one.required}
    return some_of(fields, needed, 6).map(lambda found: kind(**found))


@pytest.mark.parametrize(("message", "version"), PAIRS)
def test_the_compiled_writer_writes_what_the_interpreter_writes_for_any_document(message: str, version: str) -> None:
    there = translator(message, version)
    view = VIEWS.get(there.profile.view or "")

    @QUICK
    @given(any_record(DOCUMENTS[there.profile.document]))
    def law(document: Record) -> None:
        written = there.write(document)
        arrangement = view.to_arrangement(document) if view else document
        segments, findings = write_record(there.writing_plan, arrangement)
        assert written.segments == segments
        assert [one for one in written.findings if one.code.startswith("profile.")] == findings

    law()


@pytest.mark.parametrize(("message", "version"), PAIRS)
def test_what_cannot_be_said_is_a_finding_and_the_rest_reads_back(message: str, version: str) -> None:
    there = translator(message, version)

    @QUICK
    @given(any_record(DOCUMENTS[there.profile.document]))
    def law(document: Record) -> None:
        written = there.write(document)
        again = there.read(tree_of(there, written.segments)).document
        if again != there.normal(document):
            assert [one for one in written.findings if one.code.startswith("profile.")]

    law()


# -- any messages


def any_segments(translator: Translator) -> st.SearchStrategy[list[str]]:
    """Messages that walk through the guide at random, with data of any kind: separators, repetitions, rubbish."""
    rows = [row for row in translator.guide.positions if row.tag not in ("UNH", "UNT")]
    piece = st.sampled_from([*QUALIFIERS, "", "", "1.5", "x", "20261123", "102", "a\x02b", "1", "2", "3"])
    composite = st.lists(piece, min_size=1, max_size=4).map(":".join)
    element = composite | st.lists(composite, min_size=2, max_size=2).map("*".join)
    one = st.tuples(st.integers(0, len(rows) - 1), st.lists(element, max_size=6))

    def placed(found: list[tuple[int, list[str]]]) -> list[str]:
        found.sort(key=lambda pair: pair[0])
        return ["+".join([rows[index].tag, *elements]) for index, elements in found]

    return st.lists(one, max_size=40).map(placed)


@pytest.mark.parametrize(("message", "version"), PAIRS)
def test_the_compiled_reader_reads_what_the_interpreter_reads_from_any_message(message: str, version: str) -> None:
    there = translator(message, version)
    reader = compile_reader(there.reading_plan)

    @QUICK
    @given(any_segments(there))
    def law(segments: list[str]) -> None:
        tree = tree_of(there, segments)
        for released in (tree.released, True):
            tree = Tree(
                guide=tree.guide,
                segments=tree.segments,
                positions=tree.positions,
                numbers=tree.numbers,
                released=released,
            )
            interpreted = read_tree(there.reading_plan, tree)
            document, findings = reader(tree)
            assert document == interpreted.document
            assert findings == interpreted.findings

    law()


def test_the_generated_documents_are_not_empty() -> None:
    """A law over documents that say nothing would prove nothing."""
    there = translator("ORDERS", "D.96A")
    sizes = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents(there))
    def measure(document: Record) -> None:
        written = there.write(document)
        assert not has_errors([one for one in written.findings if one.code.startswith("profile.")])
        sizes.append(len(written.segments))

    measure()
    assert max(sizes) > 10
