"""What the pages say is true: commands, targets, files, links, settings and finding codes exist; examples load."""

import ast
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
import typer

from edi_server.acknowledgments import DUPLICATE
from edi_server.cli.application import app
from edi_server.config import Configuration, Settings
from edi_server.desk.profiles import check_profiles
from edi_server.envelope import remarks as envelope_remarks
from edi_server.guides import known_guides, load_guide
from edi_server.syntax import remarks as syntax_remarks
from edi_server.translation import check_profile, load_profile
from edi_server.translation.checks import CHECKS

ROOT = Path(__file__).parents[2]
README, CONTRIBUTING, FINDINGS = ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "findings.md"
PAGES = [README, CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?:edi_server|tests|translations|partners|docs|tools|benchmarks)/[\w./-]*\w|[A-Z]\w+\.md")
COMMAND = re.compile(r"(?<![\w-])edi-server(?: --config \S+| --debug)* (?P<rest>[a-z].*)")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def read(page: Path) -> str:
    return page.read_text("utf-8")


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", read(page))


def spans(text: str) -> list[str]:
    return SPAN.findall(text)


def code(page: Path) -> list[str]:
    """Every span of code, and every line of a code block."""
    return [*spans(prose(page)), *(line for _, block in FENCE.findall(read(page)) for line in block.splitlines())]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")


# targets and commands


def targets() -> set[str]:
    return set(re.search(r"^\.PHONY:(.*)$", read(ROOT / "Makefile"), re.MULTILINE)[1].split())


@every_page
def test_every_make_target_that_a_page_names_exists(page):
    named = {name for text in code(page) for name in re.findall(r"(?:^|[ `])make ([a-z]+)\b", text)}
    assert named <= targets()


def test_every_make_target_is_described_to_engineers():
    described = set(re.findall(r"`make ([a-z-]+)`", prose(CONTRIBUTING)))
    assert targets() - {"check"} <= described


def test_the_readme_names_the_two_commands():
    assert {"make demo", "make test", "make serve"} <= set(code(README)) | {
        line.split("  ")[0] for line in code(README)
    }


def follow(words: list[str]) -> tuple[typer.core.TyperCommand, list[str]]:
    """The command that the words name, and what follows it."""
    command, words = typer.main.get_command(app), list(words)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"there is no command {name}; there are {', '.join(command.commands)}"
        command = command.commands[name]
    return command, words


def commands(page: Path) -> list[str]:
    found = (COMMAND.search(text) for text in code(page))
    return [re.split(r"  | #| \||[`'\")]|\. |, ", one["rest"])[0] for one in found if one]


@every_page
def test_every_command_that_a_page_names_exists_with_its_options(page):
    for line in commands(page):
        command, rest = follow(line.split())
        options = {name for parameter in command.params for name in parameter.opts}
        for word in rest:
            assert not word.startswith("--") or word.partition("=")[0] in options, f"{line}: no option {word}"


def test_every_command_is_in_a_page():
    known = {name for line in [line for page in PAGES for line in commands(page)] for name in [line.split()[0]]}
    assert set(typer.main.get_command(app).commands) <= known


# files and links


@every_page
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, heading = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{page.name} links to {target}"
        if heading:
            assert heading in map(anchor, re.findall(r"^#+ (.*)$", read(there), re.MULTILINE)), target


@every_page
def test_every_file_that_a_page_names_is_there(page):
    for span in spans(prose(page)):
        if FILE.fullmatch(span.rstrip("/")):
            assert (ROOT / span).exists(), f"{page.name} names {span}"


def test_the_readme_leads_to_every_page():
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose(README))}
    assert {page.relative_to(ROOT).as_posix() for page in PAGES if page != README} <= linked


def recipes() -> list[tuple[str, str]]:
    text = read(CONTRIBUTING).partition("\n## Recipes\n")[2]
    parts = re.split(r"^### (.*)\n", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("title", "recipe"), recipes(), ids=[title for title, _ in recipes()])
def test_every_recipe_has_three_places_at_most_and_what_it_names_stands_in_its_files(title, recipe):
    places = re.findall(r"^(\d)\. ", recipe, re.MULTILINE)
    assert 1 <= len(places) <= 3, title
    files = [ROOT / span for span in spans(recipe) if FILE.fullmatch(span)]
    text = "".join(read(file) for file in files)
    for span in spans(recipe):
        if re.fullmatch(r"[A-Z]\w+(\.\w+)?|[a-z]+_\w+", span):
            name = span.rpartition(".")[2]
            assert re.search(rf"\b{name}\b", text), f"{title}: {span} is in none of its files"


# settings and examples


@every_page
def test_every_setting_that_a_page_names_exists(page):
    for span in spans(prose(page)):
        key = span.partition(" ")[0]
        if re.fullmatch(r"(paths|database|engine|transports|log)(\.[a-z_]+)+", key):
            section = Settings()
            for name in key.split("."):
                assert name in section.__struct_fields__, f"{page.name}: there is no {key}"
                section = getattr(section, name)
            assert not isinstance(section, msgspec.Struct), f"{page.name}: {key} is a section"


def test_the_examples_of_the_readme_load(tmp_path):
    blocks = [block for language, block in FENCE.findall(read(README)) if language == "toml"]
    assert len(blocks) == 2
    for block in blocks:
        name = re.match(r"# ([\w./-]+)", block)[1]
        tomllib.loads(block)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(block, "utf-8")
    configuration = Configuration.load(tmp_path / "edi-server.toml", {})
    checked = check_profiles(configuration, partner="nordmarkt")
    assert len(checked) == len(configuration.load_book().agreements) == 2
    assert [problem for one in checked for problem in one.problems] == []


def test_the_profile_of_the_page_about_profiles_has_no_author_errors(tmp_path):
    [block] = [
        one for _, one in FENCE.findall(read(ROOT / "docs" / "profiles.md")) if one.startswith("# translations/")
    ]
    name = re.match(r"# translations/([\w/-]+)\.toml", block)[1]
    (tmp_path / name).parent.mkdir()
    (tmp_path / f"{name}.toml").write_text(block, "utf-8")
    guides = [load_guide(version=version, message="ORDERS") for version in known_guides()["ORDERS"]]
    assert check_profile(load_profile(name, roots=[tmp_path]), guides) == []


def test_every_page_that_the_code_refers_to_is_there():
    folders = ["edi_server", "translations", "partners", "tools", "tests"]
    files = [path for folder in folders for kind in ("*.py", "*.toml") for path in (ROOT / folder).rglob(kind)]
    named = {page for path in files for page in re.findall(r"\bdocs/[\w-]+\.md\b", read(path))}
    assert named
    assert {page for page in named if not (ROOT / page).is_file()} == set()


# findings


def documented(room: str) -> dict[str, tuple[str, str]]:
    """Code → severity and sentence, of a room; each code stands there once."""
    rows = re.findall(rf"^\| `({room}\.[a-z0-9-]+)` \| ([^|]*) \| ([^|]*) \|$", read(FINDINGS), re.MULTILINE)
    assert len(rows) == len({row[0] for row in rows})
    return {row[0]: (row[1], row[2]) for row in rows}


def literals(*folders: str) -> set[str]:
    """Every string that stands in the code of these folders."""
    sources = [path for folder in folders for path in sorted((ROOT / "edi_server" / folder).rglob("*.py"))]
    nodes = [node for path in sources for node in ast.walk(ast.parse(read(path)))]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("room", ["syntax", "envelope"])
def test_every_remark_of_syntax_and_envelope_stands_in_the_page_in_its_own_words(room):
    remarks = {"syntax": syntax_remarks, "envelope": envelope_remarks}[room].REMARKS
    page = documented(room)
    page.pop("syntax.not-edi", None)  # made of what it is instead
    assert page == remarks


def test_every_check_of_business_sense_stands_in_the_page():
    assert {code: severity for code, (severity, _) in documented("business").items()} == {
        check.code: check.severity for check in CHECKS.values()
    }


@pytest.mark.parametrize(
    ("room", "folders"),
    [
        ("profile", ["translation"]),
        ("erp", ["erp"]),
        ("syntax", ["syntax", "engine"]),
        ("interchange", ["engine"]),
        ("document", ["engine"]),
    ],
)
def test_every_code_in_the_code_stands_in_the_page_and_the_other_way_round(room, folders):
    used = {
        text for text in literals(*folders) - {"profile.view"} if re.fullmatch(rf"{room}\.[a-z]+(-[a-z0-9]+)*", text)
    }
    if room == "interchange":
        used.add(DUPLICATE)
    assert used
    assert set(documented(room)) == used


def test_every_code_in_the_page_is_of_a_room_whose_codes_are_compared():
    codes = re.findall(r"^\| `([a-z]+\.[a-z0-9-]+)` \|", read(FINDINGS), re.MULTILINE)
    rooms = {code.partition(".")[0] for code in codes}
    compared = {"syntax", "envelope", "profile", "business", "erp", "interchange", "document"}
    elsewhere = {"guide", "partner", "transport", "acknowledgment"}  # by tests/rooms
    assert rooms == compared | elsewhere
