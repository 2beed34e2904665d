"""Whatever stands in the files that a user adds: there are problems, or the guides load; nothing is raised."""

import importlib.util
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edi_server.guides import known_guides, load_guide, use_folder
from edi_server.guides.adding import add_edifact, add_x12

#: The made-up directory and table of the tests of the room.
_SPEC = importlib.util.spec_from_file_location("made_up", Path(__file__).parents[1] / "rooms" / "test_guides_adding.py")
MADE_UP = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(MADE_UP)

quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.sampled_from(
    ["", " ", "M", "C", "O", "0", "1", "-1", "*0", ">1", "|", "+", "SG1", "BGM", "C002", "9001", "D5(1,2)", "P0101", "P01",
     "AN 9/1", "an..0", "nest 9001 in 353", "[codes]", "[message 850]", "-----", "4.3.1 Segment table", "version 004010",
     "Segment group 1", "\x00", "Ä", "é", "²"]
)  # fmt: skip


@st.composite
def mangled(draw, text):
    """A text with some lines taken out, doubled, moved or changed."""
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["out", "double", "move", "word", "word", "cut", "indent"]))
        line = lines[place]
        if what == "out" and len(lines) > 1:
            del lines[place]
        elif what == "double":
            lines.insert(place, line)
        elif what == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(place))
        elif what == "word":
            words = line.split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(WORDS)
            lines[place] = " ".join(words)
        elif what == "cut":
            lines[place] = line[: draw(st.integers(0, len(line)))]
        else:
            lines[place] = " " * draw(st.integers(1, 5)) + line
    return "\n".join(lines)


def add_and_load(add, files, syntax):
    """Add the files; if nothing is wrong with them, every message in them loads."""
    folder = Path(tempfile.mkdtemp())
    try:
        use_folder(folder / "guides")
        source = folder / "source"
        source.mkdir()
        for name, text in files.items():
            (source / name).write_text(text, "utf-8")
        added = add(source, folder / "guides")
        assert added.problems or added.messages or added.segments
        for message in () if added.problems else added.messages:
            assert added.version in known_guides(syntax)[message]
            guide = load_guide(syntax=syntax, message=message, version=added.version)
            assert guide.positions
            for row in guide.positions:
                assert all(part.element.max_length for use in row.segment.elements for part in use.components)
        assert bool(added.problems) is not (folder / "guides").exists()
    finally:
        use_folder(None)
        shutil.rmtree(folder)


@quick
@given(mangled(MADE_UP.TABLE))
def test_a_mangled_table_of_x12_is_refused_or_loads(text):
    add_and_load(add_x12, {"table.txt": text}, "x12")


@quick
@given(st.sampled_from(sorted(MADE_UP.PARTS)), st.data())
def test_a_mangled_directory_is_refused_or_loads(name, data):
    add_and_load(add_edifact, MADE_UP.PARTS | {name: data.draw(mangled(MADE_UP.PARTS[name]))}, "edifact")


@quick
@given(st.text(max_size=300))
def test_any_text_is_refused(text):
    add_and_load(add_x12, {"table.txt": text}, "x12")
    add_and_load(add_edifact, {"text.txt": text}, "edifact")
