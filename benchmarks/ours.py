"""edi-server: bytes to validated canonical Orders, through the rooms that the daemon sends them through.

Envelope (separators, release characters, character set, counts and references), guide (structure, repetitions,
presence, formats, lengths, code lists), profile (`translations/edifact/orders.toml`, compiled). Stops at any error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import BinaryIO

from measuring import compete

from edi_server.canonical import Order
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import MessageRead
from edi_server.findings import Finding, has_errors
from edi_server.guides import Tree, check, nearest_guide
from edi_server.translation import Profile, load_profile, translator_for


@cache
def profile() -> Profile:
    return load_profile("edifact/orders")


def refuse(findings: list[Finding] | tuple[Finding, ...]) -> None:
    """The input is right: an error is a fault of ours, and its figures would be worth nothing."""
    if has_errors(findings):
        raise SystemExit(f"edi-server refused the input: {findings[:3]}")


def open_messages(source: BinaryIO) -> Iterator[MessageRead]:
    for event in open_edifact(source):
        refuse(event.findings)
        if isinstance(event, MessageRead):
            yield event


def place(message: MessageRead) -> Tree:
    guide, doubt = nearest_guide(message.header.directory, message.header.type)
    if guide is None or doubt is not None:
        raise SystemExit(f"edi-server has no guide for the input: {doubt}")
    checked = check(guide, message.segments, released=message.released, offsets=message.offsets)
    refuse(checked.findings)
    return checked.tree


def translate(tree: Tree) -> Order:
    reading = translator_for(profile(), tree.guide).read(tree)
    refuse(reading.findings)
    return reading.document


def read_stream(source: BinaryIO) -> Iterator[Order]:
    for message in open_messages(source):
        yield translate(place(message))


def read(text: bytes) -> Iterator[Order]:
    return read_stream(BytesIO(text))


def say(order: Order) -> tuple[str, list[tuple[str, str, str]]]:
    return order.number, [(line.gtin, str(line.quantity), line.description) for line in order.lines]


if __name__ == "__main__":
    compete(read, say)
