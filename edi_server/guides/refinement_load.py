"""A guideline from its file: what it extends below it, merged line by line, and read into records.

The merge law is that of profiles: base ← `extends` … ← the file. A line is replaced whole; `{ off = true }` removes it;
what replaces or removes carries its `why`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from edi_server.errors import ConfigurationError
from edi_server.guides.refinement_lines import read_narrowing, read_rule, text_list, unknown_keys
from edi_server.guides.refinement_model import Narrowing, Origin, Problem, Refinement, Rule
from edi_server.located import KeyPath, dotted, read_toml

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_DEEPEST = 10
_HEAD = ("title", "message", "versions", "extends")
_SECTIONS = ("guideline", "narrow", "rules")
#: Section and key, such as ("narrow", "DTM[2005=137]").
_Key = tuple[str, str]


class _Layer(msgspec.Struct, frozen=True):
    """One file, raw."""

    path: Path
    table: dict[str, Any]
    lines: dict[KeyPath, int]

    @property
    def head(self) -> dict[str, Any]:
        head = self.table.get("guideline")
        return head if isinstance(head, dict) else {}

    @property
    def title(self) -> str:
        return str(self.head.get("title") or self.path.stem)

    def origin(self, key: _Key, why: str) -> Origin:
        line = self.lines.get(key) or self.lines.get(key[:1])
        return Origin(title=self.title, why=why, file=str(self.path), line=line, key=dotted(key))

    def problem(self, keys: KeyPath, sentence: str) -> Problem:
        line = next((self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines), None)
        return Problem(file=str(self.path), line=line, key=dotted(keys), sentence=sentence)


def load_refinement(path: Path) -> Refinement:
    """The guideline in a file, with those that it extends (files of the same folder). Author errors are in `problems`.

    Raises ConfigurationError if a file is missing or not TOML, or `extends` goes in a circle.
    """
    layers = _layers(path)
    problems = [problem for layer in layers for problem in _shape_problems(layer)]
    merged = _merge(layers, problems)
    narrowings: list[Narrowing] = []
    rules: list[Rule] = []
    for (section, name), (layer, value) in merged.items():
        origin = layer.origin((section, name), _why(value))
        if section == "narrow":
            narrowing = read_narrowing(name, value, origin, problems)
            narrowings += [narrowing] if narrowing else []
        else:
            rule = read_rule(name, value, origin, problems)
            rules += [rule] if rule else []
    message, versions = _about(layers, problems)
    return Refinement(
        name=path.stem,
        title=layers[-1].title,
        file=str(path),
        syntax="x12" if versions and all(v.startswith("00") and v.isdigit() for v in versions) else "edifact",
        message=message,
        versions=versions,
        narrowings=tuple(narrowings),
        rules=tuple(rules),
        problems=tuple(problems),
        digest=hashlib.sha256(b"\0".join(layer.path.read_bytes() for layer in layers)).hexdigest(),
    )


def _layers(path: Path) -> list[_Layer]:
    """The file preceded by those that it extends, the base first."""
    layers: list[_Layer] = []
    at: Path | None = path
    while at is not None:
        if len(layers) == _DEEPEST or any(layer.path == at for layer in layers):
            names = " → ".join([*(layer.path.stem for layer in reversed(layers)), at.stem])
            raise ConfigurationError(f"{path}: guideline.extends: goes in a circle: {names}")
        if not at.is_file():
            raise ConfigurationError(_missing(at, layers))
        layers.insert(0, _Layer(at, *read_toml(at)))
        base = layers[0].head.get("extends")
        if isinstance(base, str) and not _NAME.fullmatch(base):
            raise ConfigurationError(str(layers[0].problem(("guideline", "extends"), f"'{base}' is no name")))
        at = at.with_name(f"{base}.toml") if isinstance(base, str) else None
    return layers


def _missing(at: Path, layers: list[_Layer]) -> str:
    if not layers:
        return f"{at}: there is no such guideline."
    there = sorted(file.stem for file in at.parent.glob("[!.]*.toml"))
    problem = layers[0].problem(("guideline", "extends"), f"there is no guideline '{at.stem}'; here are {there}")
    return str(problem)


def _about(layers: list[_Layer], problems: list[Problem]) -> tuple[str, tuple[str, ...]]:
    """Message and versions, which a base may have said."""
    message: Any = next((layer.head["message"] for layer in reversed(layers) if "message" in layer.head), None)
    versions: Any = next((layer.head["versions"] for layer in reversed(layers) if "versions" in layer.head), None)
    if not isinstance(message, str):
        problems.append(layers[-1].problem(("guideline", "message"), 'must name the message type, such as "ORDERS"'))
    if text_list(versions) is None or not versions:
        problems.append(layers[-1].problem(("guideline", "versions"), 'must list versions, such as ["D.96A"]'))
    return message if isinstance(message, str) else "", text_list(versions) or ()


def _shape_problems(layer: _Layer) -> list[Problem]:
    problems = [layer.problem((key,), why) for key, why in unknown_keys(layer.table, _SECTIONS)]
    wrong = (section for section in _SECTIONS if not isinstance(layer.table.get(section, {}), dict))
    problems += [layer.problem((section,), "must be a table") for section in wrong]
    problems += [layer.problem(("guideline", key), why) for key, why in unknown_keys(layer.head, _HEAD)]
    for key in ("title", "extends"):
        if not isinstance(layer.head.get(key, ""), str):
            problems.append(layer.problem(("guideline", key), "must be text"))
    return problems


def _merge(layers: list[_Layer], problems: list[Problem]) -> dict[_Key, tuple[_Layer, Any]]:
    merged: dict[_Key, tuple[_Layer, Any]] = {}
    for layer in layers:
        for section in ("narrow", "rules"):
            table = layer.table.get(section)
            for name, value in table.items() if isinstance(table, dict) else ():
                problems += _lay(merged, layer, (section, name), value)
    return merged


def _lay(merged: dict[_Key, tuple[_Layer, Any]], layer: _Layer, key: _Key, value: Any) -> list[Problem]:
    """Lay one line over those below it; what is wrong with doing so."""
    off = isinstance(value, dict) and value.get("off") is True
    below = merged.get(key)
    problems = []
    if below and not _why(value):
        problems.append(layer.problem(key, f"says otherwise than {below[0].path.name} and needs a why"))
    if below and not off and _bare(below[1]) == _bare(value):
        problems.append(layer.problem(key, f"says what {below[0].path.name} says already: it has no effect"))
    if off and not below:
        problems.append(layer.problem(key, "switches off what is not there: it has no effect"))
    if off:
        problems += [layer.problem(key, why) for _, why in unknown_keys(value, ("off", "why"))]
        merged.pop(key, None)
    else:
        merged[key] = (layer, value)
    return problems


def _why(value: Any) -> str:
    why = value.get("why") if isinstance(value, Mapping) else None
    return why.strip() if isinstance(why, str) else ""


def _bare(value: Any) -> Any:
    return {key: inner for key, inner in value.items() if key != "why"} if isinstance(value, dict) else value
