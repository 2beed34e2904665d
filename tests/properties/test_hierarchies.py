"""Levels of an 856: what the quick look calls right, the explanation finds nothing wrong with, and the other way."""

from hypothesis import example, given
from hypothesis import strategies as st

from edi_server.guides import load_guide
from edi_server.guides.x12_hierarchy import MAX_DEPTH, check_hierarchy, is_right

GUIDE = load_guide(syntax="x12", version="004010", message="856")
(NESTING,) = GUIDE.nestings


@st.composite
def levels(draw: st.DrawFn) -> list[str]:
    """HL segments without fault, except that one element or none is something else."""
    count = draw(st.integers(1, 12))
    parents = [""] + [str(draw(st.integers(1, number - 1))) for number in range(2, count + 1)]
    rows = []
    for number, parent in enumerate(parents, 1):
        above = rows[int(parent) - 1][3] if parent else ""
        kind = draw(st.sampled_from([kind for kind, allowed in NESTING.levels.items() if above in allowed] + ["X"]))
        mark = draw(st.sampled_from(["", "1" if str(number) in parents else "0"]))
        rows.append(["HL", str(number), parent, kind, mark])
    if draw(st.booleans()):
        row, element = draw(st.sampled_from(rows)), draw(st.integers(1, 4))
        row[element] = draw(st.sampled_from(["", "0", "1", "01", "2", "3", "13", *NESTING.levels]))
    return ["+".join(row).rstrip("+") for row in rows]


def faults(segments: list[str]) -> list[str]:
    numbered = list(enumerate(segments, 2))
    return [finding.code for finding in check_hierarchy(GUIDE, NESTING, numbered)]


@given(levels())
@example([])
@example(["HL+1++S+1", "HL+2+1+O+1", "HL+3+2+I+0"])
@example(["HL+1++S", "HL+2+2+O"])
@example(["HL+1++S", "HL+2+1+I", "HL+3+2+O"])
@example(["HL+1++O"])
@example(["HL+1++S+0", "HL+2+1+O"])
@example(["HL+1++S", "HL+1+1+O"])
@example(["HL+2++S", "HL+1+2+O"])
@example(["HL+1++S", "HL+2+3+O", "HL+3+1+P"])
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
