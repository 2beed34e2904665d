"""The fast path and the explaining path of the guides hold to the same verdict, and neither ever raises."""

from functools import cache

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import valid_messages

from edi_server.findings import Place, has_errors
from edi_server.guides import Guide, check, flatten, load_guide
from edi_server.guides.checker import Checker, _judge
from edi_server.guides.model import Component, Element, ElementUse, SegmentDefinition
from edi_server.guides.segment_faults import SegmentFaults
from edi_server.guides.segment_rule import segment_rule
from edi_server.guides.structure_faults import tag_of

#: A guide has to be read and its expressions made, so that few stand for all; each has something the others have not.
GUIDES = [
    *(("edifact", "D.96A", message) for message in ("APERAK", "ORDERS", "DESADV", "INVOIC")),
    *(("edifact", "D.01B", message) for message in ("ORDERS", "DESADV")),
    *(("edifact", "4.1", message) for message in ("CONTRL",)),
    *(("x12", "004010", message) for message in ("850", "856", "810", "820", "940", "997")),
    *(("x12", "005010", message) for message in ("850", "856", "214", "999")),
    *(("x12", "003060", message) for message in ("830", "861")),
]

guides = st.sampled_from(GUIDES).map(lambda one: load_guide(syntax=one[0], version=one[1], message=one[2]))
cases = guides.flatmap(lambda guide: st.tuples(st.just(guide), valid_messages(guide)))
relaxed = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def explainer(syntax: str, version: str, message: str) -> Checker:
    return Checker(load_guide(syntax=syntax, version=version, message=message))


def explain(guide: Guide, segments: list[str]):
    """Tree and findings when every segment is doubted and nothing is placed at speed."""
    doubt = explainer(guide.syntax, guide.version, guide.message)
    severity = _judge("auto", segments, is_x12=guide.syntax == "x12")
    return doubt._explain(segments, None, range(len(segments)), released=True, codes=severity, nearest=False)


def check_both_ways(guide: Guide, segments: list[str]):
    """The findings of a message, after both ways have said the same."""
    checked = check(guide, segments, released=True)
    tree, findings = explain(guide, segments)
    assert checked.findings == findings
    assert (checked.tree.positions, checked.tree.segments) == (tree.positions, tree.segments)
    again = check(guide, segments, released=True)
    assert again == checked, "what was learnt from a message must not change its verdict"
    return findings


@relaxed
@given(cases)
def test_a_valid_message_has_no_findings_on_either_path(case):
    guide, segments = case
    assert check_both_ways(guide, segments) == []
    assert check(guide, segments, released=True).tree.segments == segments


@relaxed
@given(cases, st.data())
def test_a_dropped_segment_is_missed_or_was_optional(case, data):
    guide, segments = case
    index = data.draw(st.integers(1, len(segments) - 1))
    rest = segments[:index] + segments[index + 1 :]
    findings = check_both_ways(guide, rest)
    row = guide.position(check(guide, segments, released=True).tree.positions[index])
    alone = [segment.split("+")[0] for segment in segments].count(row.tag) == 1
    if alone and row.mandatory and not row.group:
        assert [(f.code, f.place.tag) for f in findings if has_errors([f])][:1] == [("guide.segment-missing", row.tag)]


@relaxed
@given(cases, st.data())
def test_a_segment_that_must_stand_once_is_too_often_there_when_doubled(case, data):
    guide, segments = case
    positions = check(guide, segments, released=True).tree.positions
    once = [i for i, p in enumerate(positions) if p not in guide.groups and guide.position(p).repeat == 1 and i]
    index = data.draw(st.sampled_from(once))
    tag = segments[index].split("+")[0]
    doubled = [*segments[: index + 1], segments[index], *segments[index + 1 :]]
    findings = check_both_ways(guide, doubled)
    # The second one may be a segment of the same tag that can stand behind it.
    if findings:
        assert tag in {finding.place.tag for finding in findings}
    else:
        assert check(guide, doubled, released=True).tree.positions[index + 1] != positions[index]


@relaxed
@given(cases, st.data())
def test_two_segments_that_change_places_are_both_right_there_or_a_fault_is_found_from_there_on(case, data):
    guide, segments = case
    index = data.draw(st.integers(1, len(segments) - 3)) if len(segments) > 3 else 1
    swapped = [*segments[:index], segments[index + 1], segments[index], *segments[index + 2 :]]
    findings = [finding for finding in check_both_ways(guide, swapped) if has_errors([finding])]
    if findings:
        # A segment that fits where it now stands may leave one further behind without its place.
        assert min(finding.place.segment for finding in findings) >= index


@relaxed
@given(cases, st.data())
def test_a_segment_that_no_guide_knows_is_named(case, data):
    guide, segments = case
    index = data.draw(st.integers(1, len(segments)))
    findings = check_both_ways(guide, [*segments[:index], "QQQ+1", *segments[index:]])
    assert [(f.code, f.place.segment) for f in findings] == [("guide.segment-unknown", index + 1)]


def break_element(guide: Guide, segments: list[str], data) -> tuple[list[str], int]:
    """The message with one element made wrong, and the number of its segment."""
    index = data.draw(st.integers(1, len(segments) - 1))
    uses = guide.position(check(guide, segments, released=True).tree.positions[index]).segment.elements
    pieces = segments[index].split("+")
    broken = data.draw(st.sampled_from(["emptied", "too long", "wrong code", "too many"]))
    number = data.draw(st.integers(1, len(pieces) - 1))
    use, parts = uses[number - 1], pieces[number].split(":")
    if broken == "emptied":
        assume(use.mandatory)
        pieces[number] = ""
    elif broken == "too long":
        pieces[number] = ":".join(["X" * 600, *parts[1:]])
    elif broken == "wrong code":
        part = data.draw(st.integers(0, len(parts) - 1))
        assume(use.components[part].element.codes is not None and not agency_named(use, parts, part))
        parts[part] = "¿" * use.components[part].element.max_length
        pieces[number] = ":".join(parts)
    else:
        pieces += [""] * (len(uses) - len(pieces) + 1) + ["X"]
    return [*segments[:index], "+".join(pieces), *segments[index + 1 :]], index + 1


def agency_named(use, parts, part) -> bool:
    following = [component.element.id for component in use.components[part + 1 : part + 3]]
    return following == ["1131", "3055"] and any(parts[part + 1 : part + 3])


@relaxed
@given(cases, st.data())
def test_a_wrong_element_is_found_in_its_segment_and_nowhere_else(case, data):
    guide, segments = case
    broken, number = break_element(guide, segments, data)
    findings = check_both_ways(guide, broken)
    assert has_errors(findings)
    # A level whose number is gone is missed by the levels below it, too.
    own = [finding for finding in findings if not finding.code.startswith("guide.hierarchy-")]
    assert {finding.place.segment for finding in own if has_errors([finding])} == {number}


def coded_elements() -> list[Element]:
    """Every coded element of every guide, once each."""
    elements = {
        (version, part.element.id): part.element
        for syntax, version, message in GUIDES
        for row in load_guide(syntax=syntax, version=version, message=message).positions
        for use in row.segment.elements
        for part in use.components
        if part.element.codes
    }
    return list(elements.values())


def segment_of(*elements: ElementUse) -> SegmentDefinition:
    return SegmentDefinition(tag="XXX", name="", elements=elements)


def alone(element: Element, *, mandatory: bool) -> ElementUse:
    part = Component(element=element, mandatory=mandatory)
    return ElementUse(composite=None, name="", mandatory=mandatory, repeat=1, components=(part,))


def twice(element: Element, *, mandatory: bool, part: bool) -> ElementUse:
    """A composite of two; `part` says whether they are mandatory in it."""
    parts = (Component(element=element, mandatory=part),) * 2
    return ElementUse(composite="C000", name="", mandatory=mandatory, repeat=1, components=parts)


def is_right(definition: SegmentDefinition, segment: str) -> bool:
    """What the explanation says."""
    faults = SegmentFaults(definition, Place(segment=1, tag="XXX"), codes="error", directory="D.96A")
    return not faults.examine(segment)


def test_a_rule_allows_every_code_of_a_list_and_nothing_that_only_begins_or_goes_on_like_one():
    for element in coded_elements():
        rule = segment_rule(segment_of(alone(element, mandatory=True)))
        near = {code[:cut] for code in element.codes for cut in range(1, len(code))}
        near |= {code + more for code in element.codes for more in "0Z "}
        assert [code for code in element.codes if not rule(f"XXX+{code}")] == []
        assert [value for value in near - element.codes if rule(f"XXX+{value}")] == []


def test_a_rule_allows_only_an_absent_value_where_no_code_of_a_list_has_the_right_form():
    element = Element(id="0000", name="", kind="an", min_length=1, max_length=2, codes=frozenset({"ABC"}))
    text = Element(id="0001", name="", kind="an", min_length=1, max_length=3)
    for mandatory in (True, False):
        rule = segment_rule(segment_of(alone(element, mandatory=mandatory), alone(text, mandatory=True)))
        assert bool(rule("XXX++ABC")) is not mandatory
        assert not rule("XXX+ABC+ABC")


VALUES = ["", "1", "12", "123", "1.2", "1,23", "12.3", "-1", "-1.2", "1.", "-", "A", "AB", "ABC", "A1", " ", "\x01"]
SHAPES = [
    "+{}",
    "+{}+{}",
    "+{}+{}:{}",
    "++{}",
    "++:{}",
    "++{}:{}",
    "+{}+",
    "+{}+{}:",
    "+{}:{}",
    "+{}++{}",
    "+{}+{}*{}",
    "+{}+{}+{}",
    "+{}+{}:{}+{}",
    "+++{}",
    "++{}+{}",
    "+{}+:{}+{}",
    "+{}+{}:+{}",
    "+{}+:+{}",
    "+{}+{}:{}+{}+",
]
values = st.sampled_from(VALUES) | st.text("12A.,-", max_size=7)
forms = st.builds(
    lambda kind, low, more, codes: Element(
        id="0000", name="", kind=kind, min_length=low, max_length=low + more, codes=codes
    ),
    st.sampled_from(["a", "n", "an"]),
    st.integers(1, 2),
    st.integers(0, 3),
    st.none()
    | st.frozensets(st.sampled_from([value for value in VALUES if value.isprintable() and value.strip()]), min_size=4),
)


@settings(max_examples=2000, deadline=None)
@given(forms, st.tuples(*[st.booleans()] * 4), st.sampled_from(SHAPES), st.lists(values, min_size=4, max_size=4))
def test_a_rule_and_the_explanation_have_the_same_idea_of_values(element, mandatory, shape, pieces):
    first, composite, part, last = mandatory
    definition = segment_of(
        alone(element, mandatory=first),
        twice(element, mandatory=composite, part=part),
        alone(element, mandatory=last),
    )
    segment = "XXX" + shape.format(*pieces)
    allowed, right = segment_rule(definition)(segment) is not None, is_right(definition, segment)
    if element.kind == "n" and element.min_length > 1:
        assert right or not allowed, "what reaches its least length by its decimals is only doubted"
    else:
        assert allowed == right


noise = st.text(alphabet=st.sampled_from("UNHTBGMDLIQY+:*'?\x01\x02\x03\x05 01é\n"), max_size=40)


@settings(max_examples=300, deadline=None)
@given(guides, st.lists(noise | st.text(max_size=12), max_size=12))
def test_any_strings_give_findings_and_never_an_exception(guide, segments):
    check_both_ways(guide, segments)


@relaxed
@given(cases, st.data())
def test_noise_within_a_message_gives_the_same_verdict_on_both_paths(case, data):
    guide, segments = case
    index = data.draw(st.integers(0, len(segments) - 1))
    changed = [*segments[:index], segments[index].split("+")[0] + data.draw(noise), *segments[index + 1 :]]
    check_both_ways(guide, changed)


@relaxed
@given(cases)
def test_flattening_the_nodes_of_a_message_gives_its_segments_once_each(case):
    guide, segments = case
    tree = check(guide, segments, released=True).tree
    flat = flatten(tree.root)
    assert sorted(flat) == sorted(zip(tree.positions, tree.segments, strict=True))
    if not guide.nestings:
        assert [segment for _, segment in flat] == segments


@relaxed
@given(cases.filter(lambda case: bool(case[0].nestings)))
def test_a_message_written_from_its_nodes_is_valid_and_has_the_same_nodes(case):
    guide, segments = case
    root = check(guide, segments, released=True).tree.root
    written = [segment for _, segment in flatten(root)]
    # Levels that stood between others have other numbers then than 1, 2, 3.
    assert {finding.code for finding in check(guide, written, released=True).findings} <= {
        "guide.hierarchy-not-sequential"
    }
    assert flatten(check(guide, written, released=True).tree.root) == flatten(root)


@relaxed
@given(cases, st.data())
def test_separators_at_the_end_of_a_segment_are_a_note_and_nothing_else_whichever_way_they_are_found(case, data):
    guide, segments = case
    index = data.draw(st.integers(1, len(segments) - 1))
    filled = segments[index] + "+" * data.draw(st.integers(1, 5))
    (finding,) = check_both_ways(guide, [*segments[:index], filled, *segments[index + 1 :]])
    place = Place(segment=finding.place.segment, tag=finding.place.tag, group=finding.place.group)
    definition = guide.position(check(guide, segments, released=True).tree.positions[index]).segment
    assert SegmentFaults(definition, place, codes="error", directory="").examine(filled) == [finding]


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases, st.data())
def test_many_mutations_keep_both_paths_together(case, data):
    guide, segments = case
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(segments) - 1))
        segments = [
            *segments[:index],
            *data.draw(st.sampled_from([[], [segments[index]] * 2, [segments[-1]]])),
            *segments[index + 1 :],
        ]
        assume(segments)
    findings = check_both_ways(guide, segments)
    tree = check(guide, segments, released=True).tree
    assert len(tree.segments) == len(segments) or findings
    assert all(tag_of(segment) in {row.tag for row in guide.positions} for segment in tree.segments)
