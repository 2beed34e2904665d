"""Levels of an 856: what the quick look calls right, the explanation finds nothing wrong with, and the other way."""

from hypothesis import example, given
from hypothesis import strategies as st

from edi_server.guides import load_guide
from edi_server.guides.x12_hierarchy import MAX_DEPTH, check_hierarchy, is_right

GUIDE = load_guide(syntax="x12", version="004010", message="856")
(NESTING,) = GUIDE.nestings

KINDS = st.sampled_from(["S", "O", "T", "P", "I", "X", ""])
MARKS = st.sampled_from([[], [""], ["0"], ["1"], ["2"], ["1", "more"]])


@st.composite
def levels(draw: st.DrawFn) -> list[str]:
    """HL segments, some of which go astray."""
    segments = []
    for count in range(1, draw(st.integers(0, 12)) + 1):
        own = draw(st.sampled_from([str(count)] * 12 + ["", "0", f"0{count}", "1", str(count + 1)]))
        parent = draw(st.sampled_from(["", *map(str, range(1, count + 1)), "99"]))
        elements = ["HL", own, parent, draw(KINDS), *draw(MARKS)]
        segments.append("+".join(elements if draw(st.integers(0, 30)) else elements[:3]))
    return segments


def faults(segments: list[str]) -> list[str]:
    numbered = list(enumerate(segments, 2))
    return [finding.code for finding in check_hierarchy(GUIDE, NESTING, numbered)]


@given(levels())
@example([])
@example(["HL+1++S+1", "HL+2+1+O+1", "HL+3+2+I+0"])
@example(["HL+1++S", "HL+2+2+O"])
def test_levels_that_look_right_at_once_are(segments):
    if is_right(NESTING, segments):
        assert faults(segments) == []


@given(levels())
def test_levels_with_all_their_elements_that_have_no_fault_look_right_at_once(segments):
    if not faults(segments) and all(segment.count("+") >= 3 for segment in segments):
        assert is_right(NESTING, segments)


def test_levels_deeper_than_the_limit_do_not_look_right():
    def chain(length: int) -> list[str]:
        return ["HL+1++S", *(f"HL+{number}+{number - 1}+X" for number in range(2, length + 1))]

    assert is_right(NESTING, chain(MAX_DEPTH))
    assert not is_right(NESTING, chain(MAX_DEPTH + 1))


def test_more_levels_than_are_counted_beforehand_look_right_at_once():
    assert is_right(NESTING, ["HL+1++S", *(f"HL+{number}+1+O" for number in range(2, 2001))])
