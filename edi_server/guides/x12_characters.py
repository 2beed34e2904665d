"""Characters that X12 does not have: its basic and extended set, which are ASCII and a few letters of other languages.

Nobody refuses a message for them, and the partner's reader may not even notice, so it is a warning; but what is written
in them (a trade mark, a dash from a word processor) is lost on many a system behind an X12 interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edi_server.findings import Finding, Place
from edi_server.guides.model import Tree
from edi_server.syntax.normal import to_text

#: X12.6 3.3.2, select language characters of the extended set. The replacement character stands for what the reader
#: has already told about.
_SELECT = "ÀÁÂÄàáâäÈÉÊèéêëÌÍÎìíîïÒÓÔÖòóôöÙÚÛÜùúûüÇçÑñ¿¡\ufffd"
_OUTSIDE = re.compile(f"[^\\x00-\\x7f{_SELECT}]")


def check_characters(tree: Tree) -> Iterator[Finding]:
    """One finding for each element with characters outside of the extended set."""
    if all(map(str.isascii, tree.segments)):
        return
    for number, position, text in tree.walk():
        if not text.isascii() and _OUTSIDE.search(text):
            row = tree.guide.position(position)
            for element, value in enumerate(text.split("+")):
                if found := _OUTSIDE.search(value):
                    yield Finding(
                        code="guide.character-invalid",
                        severity="warning",
                        sentence=f"The character {found[0]} is not in the character set of X12.",
                        place=Place(segment=number, tag=row.tag, group=row.path, element=element),
                        found=to_text(value)[:80],
                    )
