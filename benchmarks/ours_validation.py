"""edi-server: bytes to validated messages of any type, through the rooms that the daemon sends them through.

Everything is on: separators, character set, envelopes with counts and references; structure, presence, repetition,
formats, lengths, code lists, conditions and hierarchies of the guide. Stops at any error. What comes out is one of

- `tree`: the message placed in its guide, each segment with its position (`Tree`), as the next rooms take it;
- `nodes`: the same with nested nodes made of it, which is what parsers call a tree;
- `document`: the canonical document, by a profile, which none of the peers makes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from typing import Any, BinaryIO

import facts
from passes import compete

from edi_server.envelope.model import MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, has_errors
from edi_server.guides import Tree, check, load_guide, nearest_guide
from edi_server.syntax.normal import to_text
from edi_server.translation import Profile, load_profile, profile_names, translator_for


def name_of(kind: str) -> str:
    """The name of the profile that reads a message type."""
    return f"edifact/{kind.lower()}" if kind.isalpha() else f"x12/{kind}"


@cache
def profile(kind: str) -> Profile:
    return load_profile(name_of(kind))


def why_no_document(kind: str) -> str | None:
    """Why there are no canonical documents of a message type; None if there are."""
    name = name_of(kind)
    if name not in profile_names():
        return f"there is no profile {name} yet"
    syntax, version = ("edifact", "D.96A") if kind.isalpha() else ("x12", "004010")
    try:
        translator_for(profile(kind), load_guide(syntax=syntax, version=version, message=kind))
    except ConfigurationError as error:
        return f"the profile {name} cannot be used: {str(error).splitlines()[0]}"
    return None


def refuse(findings: list[Finding] | tuple[Finding, ...]) -> None:
    """The input is right: an error is a fault of ours, and its figures would be worth nothing."""
    if has_errors(findings):
        raise SystemExit(f"edi-server refused the input: {findings[:3]}")


def open_messages(source: BinaryIO) -> Iterator[tuple[str, MessageRead]]:
    """Syntax and message."""
    syntax = ""
    for event in open_interchanges(source):
        refuse(event.findings)
        if isinstance(event, MessageRead):
            yield syntax, event
        elif not syntax:
            syntax = event.header.syntax


def place(syntax: str, message: MessageRead) -> Tree:
    guide, doubt = nearest_guide(message.header.directory, message.header.type, syntax)
    if guide is None or doubt is not None:
        raise SystemExit(f"edi-server has no guide for the input: {doubt}")
    checked = check(guide, message.segments, released=message.released, offsets=message.offsets)
    refuse(checked.findings)
    return checked.tree


def nodes(_kind: str, tree: Tree) -> Tree:
    """With its nodes, which are made when first asked for."""
    _ = tree.root
    return tree


def translate(kind: str, tree: Tree) -> Any:
    reading = translator_for(profile(kind), tree.guide).read(tree)
    refuse(reading.findings)
    return reading.document


#: What is done with a validated tree, by what comes out.
MAKE: dict[str, Callable[[str, Tree], Any]] = {"tree": lambda _kind, tree: tree, "nodes": nodes, "document": translate}


def read_stream(kind: str, source: BinaryIO, outcome: str) -> Iterator[Any]:
    make = MAKE[outcome]
    for syntax, message in open_messages(source):
        yield make(kind, place(syntax, message))


def say(kind: str, message: Any) -> facts.Said:
    return say_tree(kind, message) if isinstance(message, Tree) else say_document(message)


def say_tree(kind: str, tree: Tree) -> facts.Said:
    segments = [[element.split(":") for element in segment.split("+")] for segment in tree.segments]
    return facts.say(
        kind,
        segments,
        lambda segment: segment[0][0],
        lambda segment, element, component: to_text(facts.at(segment, element, component)),
    )


def say_document(document: Any) -> facts.Said:
    return document.number, [[line.gtin, str(line.quantity), line.description] for line in _lines(document)]


def _lines(document: Any) -> Iterator[Any]:
    """Lines, with those of packages."""
    yield from document.lines
    if hasattr(document, "packages"):
        for package in document.packages:
            yield from _lines(package)


def main() -> None:
    outcome = sys.argv.pop(1)
    compete(lambda kind, text: read_stream(kind, BytesIO(text), outcome), say)


if __name__ == "__main__":
    main()
