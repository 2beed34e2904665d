"""Adding directory versions and messages from files: read, completed from what is known, judged, put on the shelf."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from edi_server.guides.directory import DATA, Directory, open_directory
from edi_server.guides.draft import Draft, DraftLine, Problem
from edi_server.guides.draft_faults import find_faults
from edi_server.guides.edifact_texts import read_text
from edi_server.guides.library import look_again
from edi_server.guides.x12_table import read_table

#: Of one file, and of all of them: a directory of the United Nations has 12 MB.
MAX_FILE, MAX_ALL = 20_000_000, 100_000_000
#: Zip files in zip files, as the United Nations publish them.
_DEEPEST = 3
_TABLES = ("elements", "composites", "segments", "codes")
#: X12: the element that lists the types of messages (ST01); one that is added is one of these from now on.
_TYPES = "143"
_VERSIONS = {"edifact": (re.compile(r"[DS]\.[0-9]{2}[A-C]"), "D.96B"), "x12": (re.compile(r"[0-9]{6}"), "004010")}
_MESSAGES = {"edifact": re.compile(r"[A-Z]{6}"), "x12": re.compile(r"[A-Z0-9]{2,6}")}


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of files that somebody wanted to add. With problems, nothing was kept."""

    syntax: str
    version: str
    messages: tuple[str, ...]
    segments: int
    codes: int
    #: Where the tables stand.
    folder: str
    problems: tuple[str, ...]


class _File(NamedTuple):
    name: str
    content: bytes


def add_edifact(source: Path, folder: Path, *, version: str | None = None) -> Added:
    """Add a directory, or parts of one, from a folder, a zip file or one file of the United Nations' texts.

    `version`, such as "D.96B", is needed where no message is among them, because the other files do not say it.
    Raises OSError if the files cannot be read.
    """
    draft = Draft(syntax="edifact", version=version or "")
    for file in _files(source, draft):
        read_text(draft, file.name, _decoded(file.content))
    return _add(draft, source, folder)


def add_x12(source: Path, folder: Path) -> Added:
    """Add a version, messages or tables of X12 from a table file (docs/guides.md). Raises OSError."""
    draft = Draft(syntax="x12")
    for file in _files(source, draft):
        read_table(draft, file.name, _decoded(file.content))
    return _add(draft, source, folder)


def _add(draft: Draft, source: Path, folder: Path) -> Added:
    pattern, example = _VERSIONS[draft.syntax]
    if draft.is_empty() and not draft.problems:
        draft.wrong(str(source), 0, "It holds nothing that we know as part of a directory.")
    elif not pattern.fullmatch(draft.version):
        said = f"“{draft.version}” is no version" if draft.version else "No message says the version"
        draft.wrong(str(source), 0, f"{said}; say it, such as {example}.")
    target = folder / draft.syntax / draft.version
    for message in [one for one in draft.messages if not _MESSAGES[draft.syntax].fullmatch(one)]:
        draft.wrong(draft.messages.pop(message)[0].file, 0, f"“{message}” is no message type.")
    messages = tuple(sorted(draft.messages))
    faults = draft.problems
    if not faults:
        _complete(draft, target)
        faults = find_faults(draft, _service_tags(draft.syntax))
    if not faults:
        _write(draft, target)
        look_again()
    return Added(
        syntax=draft.syntax,
        version=draft.version,
        messages=messages,
        segments=len(draft.segments),
        codes=sum(len(line.text.split()) - 1 for line in draft.codes.values()),
        folder=str(target),
        problems=tuple(map(str, _few(faults))),
    )


def _few(faults: list[Problem], most: int = 50) -> list[Problem]:
    """The faults, or the first of them and how many more there are."""
    if len(faults) <= most:
        return faults
    return [*faults[:most], Problem(faults[most].file, 0, f"… and {len(faults) - most} more.")]


# -- reading


def _files(source: Path, draft: Draft) -> Iterator[_File]:
    """Every file in a folder, a zip file or alone, in the order of names, as long as they are not too large."""
    whole = 0
    paths = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in paths:
        if path.stat().st_size > MAX_ALL:
            draft.wrong(path.name, 0, f"It is larger than {MAX_ALL // 1_000_000} MB.")
            continue
        for file in _unpacked(_File(path.name, path.read_bytes()), draft, 0):
            whole += len(file.content)
            if whole > MAX_ALL:
                draft.wrong(file.name, 0, f"All files together are larger than {MAX_ALL // 1_000_000} MB.")
                return
            yield file


def _unpacked(file: _File, draft: Draft, depth: int) -> Iterator[_File]:
    if not file.content.startswith(b"PK\x03\x04"):
        yield file
        return
    if depth == _DEEPEST:
        draft.wrong(file.name, 0, "Zip files in zip files go too deep here.")
        return
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
            for info in sorted(packed.infolist(), key=lambda one: one.filename):
                if info.is_dir():
                    continue
                if info.file_size > MAX_FILE:
                    draft.wrong(info.filename, 0, f"It is larger than {MAX_FILE // 1_000_000} MB.")
                    continue
                name = Path(info.filename).name
                yield from _unpacked(_File(name, packed.read(info)), draft, depth + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        draft.wrong(file.name, 0, f"This zip file cannot be read: {error}.")


def _decoded(content: bytes) -> str:
    """Text of today, or of the days of code pages, where only the lines around groups are more than ASCII."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


# -- completing


def _complete(draft: Draft, target: Path) -> None:
    """Fill the draft's tables up with those that we have of the same version, added ones before our own."""
    for folder in (target, DATA / draft.syntax / draft.version):
        if (folder / "segments.txt").is_file():
            known = Directory(folder)
            for name in _TABLES:
                table = draft.table(name)
                for line in known.lines(name):
                    table.setdefault(line.split(maxsplit=1)[0], DraftLine(line, str(folder / f"{name}.txt"), 0))
    if draft.syntax == "x12" and _TYPES in draft.codes:
        types = draft.codes[_TYPES]
        new = sorted(set(draft.messages) - set(types.text.split()))
        draft.codes[_TYPES] = types._replace(text=" ".join([types.text, *new]))


def _service_tags(syntax: str) -> set[str]:
    return set(open_directory(syntax, "service" if syntax == "x12" else "service-4").segments)


# -- writing


def _write(draft: Draft, target: Path) -> None:
    """Put every file in its place, each at once."""
    target.mkdir(parents=True, exist_ok=True)
    texts = {name: [line.text for _, line in sorted(draft.table(name).items())] for name in _TABLES}
    texts |= {message: [line.text for line in lines] for message, lines in draft.messages.items()}
    for name, lines in texts.items():
        new = target / f"{name}.txt.new"
        new.write_text("\n".join([f"# {name} {draft.version}, added by edi-server guide add", *lines, ""]), "utf-8")
    for name in texts:
        (target / f"{name}.txt.new").replace(target / f"{name}.txt")
