"""Profiles from files: found, inherited, overridden by the agreement, and read into records."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from edi_server.errors import ConfigurationError
from edi_server.located import read_toml
from edi_server.translation.lines import read_profile
from edi_server.translation.merge import Layer, Merged, flatten, merge
from edi_server.translation.profile import Profile

_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_.-]+)*")
_DEEPEST = 10


def builtin_root() -> FilePath:
    """Folder of the profiles that ship with the product: `translations/` of a checkout, or the installed copy of it.

    Raises ConfigurationError if the installation lacks it.
    """
    here = FilePath(__file__).resolve().parent
    for folder in (here.parent.parent / "translations", here / "translations"):
        if (folder / "edifact").is_dir():
            return folder
    raise ConfigurationError(f"The translation profiles are missing beside {here}; reinstall edi-server.")


def load_profile(
    name: str,
    *,
    roots: Sequence[FilePath] = (),
    overrides: Mapping[str, Any] | None = None,
    source: str = "",
    lines: Mapping[str, int] | None = None,
) -> Profile:
    """The profile of that name (such as "edifact/orders") with what it extends and an agreement's overrides merged in.

    `roots` are searched in order, the built-in profiles last. `overrides` is the agreement's table (each line with its
    `why`), `source` the file it stands in and `lines` the line of each dotted key below that table. Author errors do
    not raise: they are in `Profile.problems`, and `check_profile` adds those that show only with a guide.

    Raises ConfigurationError if there is no such profile, a file is not TOML, or `extends` goes in a circle.
    """
    folders = (*roots, builtin_root())
    layers = _layers(name, folders)
    if overrides:
        layers.append(flatten(overrides, file=source or "the agreement", lines=lines or {}, agreement=True))
    merged = merge(layers)
    return read_profile(name, merged, version=_version(merged))


def profile_names(roots: Sequence[FilePath] = ()) -> list[str]:
    """Names of all profiles in the folders and among the built-in ones."""
    found = {
        file.relative_to(root).with_suffix("").as_posix()
        for root in (*roots, builtin_root())
        for file in FilePath(root).rglob("*.toml")
    }
    return sorted(found)


def _layers(name: str, folders: Sequence[FilePath]) -> list[Layer]:
    """The profile's own layer preceded by those it extends, the base first."""
    layers: list[Layer] = []
    names: list[str] = []
    at: str | None = name
    while at is not None:
        if at in names or len(names) == _DEEPEST:
            raise ConfigurationError(f"Profile {name}: extends goes in a circle: {' → '.join([*names, at])}")
        names.append(at)
        path = _find(at, folders)
        table, positions = read_toml(path)
        layers.insert(0, flatten(table, file=str(path), lines=positions, agreement=False))
        at = layers[0].extends
    return layers


def _find(name: str, folders: Sequence[FilePath]) -> FilePath:
    if not _NAME.fullmatch(name) or ".." in name:
        raise ConfigurationError(f"{name!r} is not the name of a profile; write one such as edifact/orders")
    for folder in folders:
        path = FilePath(folder) / f"{name}.toml"
        if path.is_file():
            return path
    raise ConfigurationError(
        f"There is no profile {name}: {name}.toml is in none of {', '.join(str(folder) for folder in folders)}"
    )


def _version(merged: Merged) -> str:
    content = sorted(("\x1f".join(key), _without_why(item.value)) for key, item in merged.items.items())
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _without_why(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_why(inner) for key, inner in value.items() if key != "why"}
    return value
