"""The quick reader and the trace against their oracle, on messages made so that most have nothing to remark about."""

from __future__ import annotations

import os
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edi_server.guides import Tree, check, load_guide
from edi_server.guides.model import Component, Position
from edi_server.translation import Translator, load_profile, translator_for
from edi_server.translation.codecs import Unreadable
from edi_server.translation.compiler.quick import compile_quick_reader
from edi_server.translation.compiler.quick_runtime import Unsmooth, released_in
from edi_server.translation.coverage import cover
from edi_server.translation.interpreter import read_tree

PROFILES = {"ORDERS": "edifact/orders", "DESADV": "edifact/desadv", "INVOIC": "edifact/invoic"}
PAIRS = [(message, version) for message in PROFILES for version in ("D.96A", "D.01B")]
EXAMPLES = int(os.environ.get("EDI_SERVER_EXAMPLES", "60"))

#: What lines compare with, and texts, some of them with stand-ins.
TEXTS = ["a\x02b", "\x01", "9", "137", "2", "4", "171", "BY", "SU", "DP", "ON", "VA", "21", "11", "F", "7", "SA"]
TEXTS += ["IN", "EN", "1", "5", "TE", "EM", "AAA", "203", "86", "PK", "33E", "x", "ab"]
#: Document name code of BGM, which says that it is such a message.
NAMES = {"ORDERS": "220", "DESADV": "351", "INVOIC": "380"}
#: Texts that some line would remark about if they were any others, by data element.
PARTICULAR = {"2380": ["20261123"], "2379": ["102"], "1225": ["9", "7"]}


@cache
def translator(message: str, version: str) -> Translator:
    return translator_for(load_profile(PROFILES[message]), load_guide(version=version, message=message))


def texts_of(component: Component) -> st.SearchStrategy[str]:
    element = component.element
    if element.id in PARTICULAR:
        return st.sampled_from(PARTICULAR[element.id])
    return st.sampled_from(["", "1", "2.5", "120"] if element.kind == "n" else ["", "", *TEXTS])


@cache
def segments_of(row: Position) -> st.SearchStrategy[str]:
    elements = [
        st.tuples(*map(texts_of, use.components)).map(lambda texts: ":".join(texts).rstrip(":"))
        for use in row.segment.elements
    ]
    return st.tuples(*elements).map(lambda texts: "+".join([row.tag, *texts]).rstrip("+"))


def trees(there: Translator) -> st.SearchStrategy[Tree]:
    """Well-formed walks through the guide: every segment comes with the triggers of the groups around it."""
    guide = there.guide
    usual = {
        binding.position
        for scope in there.reading_plan.scopes.values()
        for site in scope.sites
        for binding in site.bindings
    }
    rows = [row for row in guide.positions if row.tag not in ("UNH", "BGM", "UNT", "UNS", "CNT")]
    drawn = st.sampled_from([row for row in rows if row.index in usual]) | st.sampled_from(rows)

    def around(row: Position) -> list[int]:
        inside = guide.groups[row.group].parent if row.index in guide.groups else row.group
        return [*around(guide.position(inside)), row.index] if inside else [row.index]

    def walk(chosen: list[Position]) -> st.SearchStrategy[list[str]]:
        indexes: list[int] = []
        for path in sorted(map(around, chosen)):
            new = [index for index in path if index not in indexes[-len(path) - 3 :]]
            indexes += new or path[-1:]
        return st.tuples(*(segments_of(guide.position(index)) for index in indexes)).map(list)

    def place(segments: list[str]) -> Tree:
        whole = [
            f"UNH+1+{guide.message}:D:{guide.version[2:]}:UN",
            f"BGM+{NAMES[guide.message]}+1+9",
            *segments,
            f"UNT+{len(segments) + 3}+1",
        ]
        return check(guide, whole, released=bool(released_in("'".join(whole)))).tree

    return st.lists(drawn, max_size=25).flatmap(walk).map(place)


@pytest.mark.parametrize(("message", "version"), PAIRS)
def test_the_quick_reader_and_the_trace_say_what_the_interpreter_says(message: str, version: str) -> None:
    there = translator(message, version)
    plan = there.reading_plan
    quick = compile_quick_reader(plan)
    smooth = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(trees(there))
    def law(tree: Tree) -> None:
        interpreted = read_tree(plan, tree)
        _, coverage = there.read_all(tree)
        assert coverage == cover(plan, tree)
        assert there.not_carried(tree) == coverage
        try:
            document = quick(tree.segments, [*tree.positions, 1 << 30], released_in("'".join(tree.segments)))
        except (Unsmooth, Unreadable):
            return
        smooth.append(len(tree.segments))
        assert document == interpreted.document
        assert interpreted.findings == []

    law()
    assert len(smooth) > EXAMPLES / 5, "a law over messages that the quick reader refuses would prove nothing"
    assert max(smooth) > 5, "nor one over messages of hardly a segment"
