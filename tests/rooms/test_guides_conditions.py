"""Conditions between parts: every kind, every pattern of presence, in segments and in composites."""

from itertools import product

import pytest

from edi_server.findings import Place
from edi_server.guides.conditions import demands
from edi_server.guides.model import Component, Condition, Element, ElementUse, SegmentDefinition
from edi_server.guides.segment_faults import SegmentFaults
from edi_server.guides.segment_rule import segment_rule

TEXT = Element(id="0001", name="Text", kind="an", min_length=1, max_length=3)
CODE = Element(id="0002", name="Code", kind="an", min_length=1, max_length=3, codes=frozenset({"A", "AB", "C"}))

#: What each kind allows (ISO 9735-1 11.5; X12.6 3.6): the presence of its parts in their order, written out anew here.
ALLOWED = {
    "one-only": lambda there: sum(there) == 1,
    "all-or-none": lambda there: len(set(there)) == 1,
    "one-or-more": any,
    "one-or-none": lambda there: sum(there) < 2,
    "first-needs-all": lambda there: all(there) if there[0] else True,
    "first-needs-one": lambda there: any(there[1:]) if there[0] else True,
    "first-excludes": lambda there: not any(there[1:]) if there[0] else True,
}
#: Neighbours, in any order, with others between and around, and two conditions at once.
PLACES = [
    ((1, 2),),
    ((2, 1),),
    ((2, 4),),
    ((4, 2, 1),),
    ((1, 3, 4),),
    ((3, 1, 4, 2),),
    ((1, 2), (2, 4)),
    ((4, 1), (1, 3)),
]


def conditions_of(kind, places):
    return tuple(Condition(kind=kind, parts=parts) for parts in places)


def alone(element, *, mandatory=False):
    part = Component(element=element, mandatory=mandatory)
    return ElementUse(composite=None, name="", mandatory=mandatory, repeat=1, components=(part,))


def segment(conditions):
    uses = (alone(TEXT), alone(CODE), alone(TEXT), alone(CODE))
    return SegmentDefinition(tag="XX", name="", elements=uses, conditions=conditions)


def segment_with_composite(conditions, *, mandatory):
    parts = tuple(Component(element=element, mandatory=False) for element in (TEXT, CODE, TEXT, CODE))
    whole = ElementUse(
        composite="C001", name="", mandatory=mandatory, repeat=1, components=parts, conditions=conditions
    )
    return SegmentDefinition(tag="XX", name="", elements=(alone(TEXT), whole, alone(TEXT)))


def faults_of(definition, text):
    return SegmentFaults(definition, Place(), codes="error", directory="").examine(text)


def is_allowed(kind, places, there):
    return all(ALLOWED[kind]([there[part - 1] for part in parts]) for parts in places)


@pytest.mark.parametrize("places", PLACES, ids=str)
@pytest.mark.parametrize("kind", ALLOWED)
def test_expression_explanation_and_rule_agree_on_segments(kind, places):
    definition = segment(conditions_of(kind, places))
    rule = segment_rule(definition)
    for there in product((False, True), repeat=4):
        text = "+".join(["XX", *(("T", "A", "U", "AB")[place] if here else "" for place, here in enumerate(there))])
        text = text.rstrip("+")
        allowed = is_allowed(kind, places, there)
        assert (rule(text) is not None) == allowed, text
        assert (faults_of(definition, text) == []) == allowed, text


@pytest.mark.parametrize("mandatory", [True, False])
@pytest.mark.parametrize("places", PLACES, ids=str)
@pytest.mark.parametrize("kind", ALLOWED)
def test_expression_explanation_and_rule_agree_on_composites(kind, places, mandatory):
    definition = segment_with_composite(conditions_of(kind, places), mandatory=mandatory)
    rule = segment_rule(definition)
    for there in product((False, True), repeat=4):
        parts = (("T", "A", "U", "AB")[place] if here else "" for place, here in enumerate(there))
        for behind in ("", "+Z"):
            text = (
                f"XX+1+{':'.join(parts).rstrip(':')}{behind}".rstrip("+") if any(there) else f"XX+1{behind and '++Z'}"
            )
            # An absent composite has no parts that could depend on each other.
            allowed = is_allowed(kind, places, there) if any(there) else not mandatory
            assert (rule(text) is not None) == allowed, text
            assert (faults_of(definition, text) == []) == allowed, text
            parts = (("T", "A", "U", "AB")[place] if here else "" for place, here in enumerate(there))


@pytest.mark.parametrize("kind", ALLOWED)
def test_a_condition_that_holds_demands_nothing_and_one_that_does_not_names_one_of_its_parts(kind):
    condition = Condition(kind=kind, parts=(3, 1, 2))
    for there in product((False, True), repeat=3):
        present = [place for place, here in enumerate(there, 1) if here]
        wanted = demands(condition, present)
        assert bool(wanted) != is_allowed(kind, [(3, 1, 2)], there)
        for demand in wanted:
            assert demand.missing != (demand.part in present)


def test_two_conditions_that_are_broken_are_two_findings_each_at_its_part():
    definition = segment((Condition(kind="all-or-none", parts=(1, 2)), Condition(kind="first-excludes", parts=(3, 4))))
    found = faults_of(definition, "XX+T++U+A")
    assert [(one.code, one.place.element, one.found) for one in found] == [
        ("guide.condition-missing", 2, None),
        ("guide.condition-excluded", 4, "A"),
    ]
    assert (
        found[1].sentence == "Where 0001 (Text) is given, 0002 (Code) must not be given; 0002 (Code) is one too many."
    )


def test_a_broken_condition_of_a_composite_names_component_and_repetition():
    parts = tuple(Component(element=element, mandatory=False) for element in (TEXT, CODE))
    whole = ElementUse(
        composite="C001",
        name="",
        mandatory=False,
        repeat=3,
        components=parts,
        conditions=(Condition(kind="all-or-none", parts=(1, 2)),),
    )
    definition = SegmentDefinition(tag="XX", name="", elements=(whole,))
    (found,) = faults_of(definition, "XX+T:A*T")
    assert (found.code, found.place.element, found.place.component, found.place.repetition) == (
        *("guide.condition-missing", 1, 2, 2),
    )
