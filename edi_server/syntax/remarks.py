"""What the syntax room remarks on: every code with its severity and its sentence, in one table."""

from __future__ import annotations

from edi_server.findings import Finding, Place, Severity

#: Code → severity and sentence. docs/findings.md lists them for readers.
REMARKS: dict[str, tuple[Severity, str]] = {
    "syntax.empty": ("error", "The file is empty."),
    "syntax.not-edifact": ("error", "This is not EDIFACT: there is neither a UNB nor a UNH segment in it."),
    "syntax.bytes-outside": ("warning", "There is text outside any interchange; it was not read."),
    "syntax.segments-outside": ("error", "There are segments outside any interchange; they were not read."),
    "syntax.byte-order-mark": ("note", "The file begins with a byte order mark, which EDI does not know."),
    "syntax.una-malformed": ("warning", "The service string advice (UNA) is not valid."),
    "syntax.separators-undeclared": (
        "warning",
        "The interchange uses other separators than the default, and no UNA segment announces them.",
    ),
    "syntax.charset-unknown": (
        "warning",
        "The character set of the interchange (UNB 0001) is none that we know; it was read as UTF-8 or Windows-1252.",
    ),
    "syntax.charset-contradicted": (
        "warning",
        "There are characters outside the declared character set (UNB 0001).",
    ),
    "syntax.level-exceeded": (
        "note",
        "There are characters, such as lower case letters, that the level of the interchange (UNOA, UNOB) has not.",
    ),
    "syntax.control-character": ("warning", "There is a control character in the text; it was replaced."),
    "syntax.line-break-in-segment": (
        "note",
        "A line breaks inside a segment; the line break was removed and the two parts joined.",
    ),
    "syntax.release-needless": (
        "warning",
        "A release character stands before a character that needs none, and was dropped; write ?? for a question mark.",
    ),
    "syntax.terminator-typographic": (
        "warning",
        "A typographic apostrophe (’) stands where a segment ends; it was read as the segment terminator.",
    ),
    "syntax.segment-empty": ("note", "There is a segment terminator without a segment."),
    "syntax.segment-too-long": (
        "error",
        "A segment does not end within 65,536 bytes, so a terminator is missing; only its beginning was read.",
    ),
    "syntax.unterminated": ("error", "The file ends in the middle of a segment: the terminator is missing."),
    # On writing.
    "syntax.character-unwritable": (
        "error",
        "A character does not exist in the character set of the interchange and was replaced.",
    ),
    "syntax.character-simplified": (
        "warning",
        "A character does not exist in the character set of the interchange; it was written in a simpler form.",
    ),
    "syntax.lower-case": (
        "warning",
        "Level A (UNOA) and basic X12 have no lower case letters; they were written all the same.",
    ),
    "syntax.outside-level": (
        "warning",
        "A character is not in the level of the interchange (UNOA, UNOB, basic X12); it was written all the same.",
    ),
    "syntax.release-missing": (
        "error",
        "The text contains a separator, and the interchange has no release character to say so; it became a blank.",
    ),
    "syntax.repetition-missing": (
        "error",
        "An element is repeated, and the interchange has no repetition separator to say so.",
    ),
    # X12 only.
    "syntax.not-x12": ("error", "This is not X12: there is neither an ISA nor an ST segment in it."),
    "syntax.ebcdic": ("note", "The file is in EBCDIC; it was translated."),
    "syntax.comment": ("note", "There are comment lines (//), which X12 does not know; they were left out."),
    "syntax.charset-undeclared": (
        "note",
        "There are characters outside ASCII, and X12 does not say in which character set they are.",
    ),
    "syntax.binary-length": (
        "error",
        "The binary data of BIN or BDS does not end where its length says; it was read up to the next terminator.",
    ),
    "syntax.binary-too-large": ("error", "The binary data of BIN or BDS is larger than 16 MB, and was not read."),
    "syntax.last-terminator-missing": ("warning", "The last segment of the file has no terminator."),
}

#: How a contradiction of the character set was resolved (`charsets.Contradiction`), as a clause for the sentence.
_READ_AS = {
    "utf-8": "they were read as UTF-8",
    "windows-1252": "they were read as Windows-1252",
    "undefined": "they were replaced",
}


def remark(
    code: str, place: Place, *, found: str | None = None, expected: str | None = None, detail: str = ""
) -> Finding:
    """The finding of that code; `found` is cut to 80 characters."""
    severity, sentence = REMARKS[code]
    if detail in _READ_AS:
        sentence = f"{sentence.rstrip('.')}; {_READ_AS[detail]}."
    return Finding(
        code=code,
        severity=severity,
        sentence=sentence,
        place=place,
        found=None if found is None else found[:80],
        expected=expected,
    )
