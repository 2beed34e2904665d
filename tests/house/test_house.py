"""The house keeps to its own rules."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "edi_server"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in path.as_posix())
VAGUE = {"manager", "handler", "helper", "helpers", "util", "utils", "info", "data", "misc", "base"}
LINK = re.compile(r"\[`(?P<name>[\w.]+)`\]\(\.\./(?P<file>edi_server/[\w/]+\.py)\)")


@pytest.mark.parametrize("package", sorted(path.parent for path in PACKAGE.rglob("__init__.py")), ids=lambda p: p.name)
def test_every_room_has_a_sign_that_says_what_it_is_for(package):
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_has_a_name_that_says_nothing(source):
    assert source.stem not in VAGUE


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_bare_except_and_nothing_left_for_later(source):
    text = source.read_text("utf-8")
    assert not re.search(r"except\s*:", text)
    assert not re.search(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError", text)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_every_function_that_a_page_names_exists_in_that_file(page):
    for name, file in LINK.findall(page.read_text("utf-8")):
        source = ROOT / file
        assert source.is_file(), f"{page.name} points to {file}, which is not there"
        defined = {
            node.name
            for node in ast.walk(ast.parse(source.read_text("utf-8")))
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert name.rpartition(".")[2] in defined, f"{page.name} names {name}, which {file} does not define"


def test_no_runtime_dependency_is_only_under_the_gpl():
    from importlib.metadata import distribution

    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    names = [re.split(r"[\[<>=]", line)[0] for line in pyproject["project"]["dependencies"]]
    assert names
    for name in names:
        about = distribution(name).metadata
        said = [about.get("License-Expression") or "", (about.get("License") or "")[:80]]
        said += [line for line in about.get_all("Classifier", []) if line.startswith("License")]
        text = " ".join(said)
        only_gpl = re.search(r"(?<!L)GPL|(?<!Lesser )General Public", text) and not re.search(
            r"\bOR\b|MIT|BSD|Apache|EPL|LGPL", text
        )
        assert not only_gpl, f"{name}: {text}"
