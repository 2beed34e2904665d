"""Made-up messages of X12: every element that a guide allows, in any order that it allows."""

import os
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import valid_messages

from edi_server.guides import check, load_guide
from edi_server.translation import load_profile, translator_for
from edi_server.translation.compiler import compile_reader, compile_writer
from edi_server.translation.coverage import cover, real_coverage
from edi_server.translation.interpreter import read_tree
from edi_server.translation.interpreter_writing import write_record
from edi_server.translation.views import VIEWS
from edi_server.translation.x12_runs import fold, fold_tree, unfold

PAIRS = [(kind, version) for kind in ("850", "856", "810") for version in ("004010", "005010")]
#: More for a long run: EDI_SERVER_EXAMPLES=2000 pytest tests/rooms/test_translation_x12_made_up.py
EXAMPLES = int(os.environ.get("EDI_SERVER_EXAMPLES", "15"))
QUICK = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def translator(kind, version):
    return translator_for(load_profile(f"x12/{kind}"), load_guide(syntax="x12", version=version, message=kind))


@cache
def compiled(kind, version):
    there = translator(kind, version)
    return compile_reader(there.reading_plan), compile_writer(there.writing_plan)


def tree_of(there, segments):
    released = any(mark in segment for segment in segments for mark in "\x01\x02\x03\x05")
    return check(there.guide, segments, released=released).tree


def framed(there, segments):
    return [f"ST+{there.guide.message}+0001", *segments, f"SE+{len(segments) + 2}+0001"]


def messages(pair):
    return valid_messages(load_guide(syntax="x12", version=pair[1], message=pair[0]))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@QUICK
@given(data=st.data())
def test_any_message_is_read_and_written_as_the_interpreter_does(pair, data):
    there = translator(*pair)
    tree = tree_of(there, data.draw(messages(pair)))
    read, write = compiled(*pair)
    seen = fold_tree(there.reading_plan.guide, tree)
    interpreted = read_tree(there.reading_plan, seen)
    assert read(seen) == (interpreted.document, interpreted.findings)
    arrangement = VIEWS[there.profile.view].to_arrangement(there.read(tree).document)
    assert write(arrangement) == write_record(there.writing_plan, arrangement)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@QUICK
@given(data=st.data())
def test_what_was_written_reads_as_the_normal_form(pair, data):
    there = translator(*pair)
    message = data.draw(messages(pair))
    # Of several N4 the first is read, even if it says nothing that we read; kept, the others come first next time.
    assume(not any(one.startswith("N4+") and other.startswith("N4+") for one, other in pairwise(message)))
    document = there.read(tree_of(there, message)).document
    normal = there.normal(document)
    assert there.normal(normal) == normal
    written = there.write(document)
    if [one for one in written.findings if one.code.startswith("profile.")]:
        return
    again = there.read(tree_of(there, framed(there, written.segments))).document
    assert again == normal
    second = there.write(again).segments
    third = there.write(there.read(tree_of(there, framed(there, second))).document).segments
    assert third == second


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@QUICK
@given(data=st.data())
def test_what_is_not_carried_is_told_alike_by_both_ways_of_telling(pair, data):
    there = translator(*pair)
    tree = tree_of(there, data.draw(messages(pair)))
    guide = there.reading_plan.guide
    assert there.not_carried(tree) == real_coverage(guide, cover(there.reading_plan, fold_tree(guide, tree)))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@QUICK
@given(data=st.data())
def test_folding_loses_nothing(pair, data):
    there = translator(*pair)
    guide = there.reading_plan.guide
    for segment in data.draw(messages(pair)):
        assert unfold(guide, fold(guide, segment)) == segment
