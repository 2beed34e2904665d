"""What can be wrong with the clauses of an agreement: each problem with the keys that lead to it."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from pathlib import Path

from edi_server.envelope.model import Identity
from edi_server.findings import objection as severity_objection
from edi_server.guides import Guide, known_guides, load_guide
from edi_server.guides.refinement import check_refinement, load_refinement
from edi_server.located import KeyPath, nearest
from edi_server.partners.clauses import (
    FILE_NAME_FIELDS,
    Acknowledgments,
    ControlNumbers,
    GroupNumbers,
    InterchangeNumbers,
    MessageNumbers,
    Policies,
    Writing,
    X12Writing,
)
from edi_server.partners.model import Syntax, Terms, syntax_of
from edi_server.syntax.charsets import CODECS, codec_of
from edi_server.syntax.separators import objection

Numbers = InterchangeNumbers | GroupNumbers | MessageNumbers
Problems = Iterator[tuple[KeyPath, str]]

#: UNB 0020, UNG 0048 and UNH 0062 are an..14; ISA13, GS06 and ST02 have at most nine digits (X12.5, X12.6).
LONGEST_REFERENCE = {"edifact": 14, "x12": 9}
#: 0052 and 0054, such as D.96A, S.93A or 2.912; CONTRL names the syntax version: D.3.
_EDIFACT_VERSION = re.compile(r"[A-Z0-9]{1,3}\.[A-Z0-9]{1,3}")
_FORM = {"edifact": "EDIFACT versions look like D.96A", "x12": "X12 versions look like 004010"}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: ISA12: 00200 to 00801.
_INTERCHANGE_VERSION = re.compile(r"00[2-9]0[0-9]")


def message_problems(terms: Terms, syntax: Syntax) -> Problems:
    """Message type and versions that no guide is for, or that belong to different syntaxes."""
    if not terms.versions:
        yield ("versions",), 'needs at least one, such as "D.96A" or "004010"'
    for index, version in enumerate(terms.versions):
        right = syntax_of((version,)) == syntax and (syntax == "x12" or _EDIFACT_VERSION.fullmatch(version))
        if not right:
            yield ("versions", index), f"'{version}' is no version of {_NAMES[syntax]}; {_FORM[syntax]}"
    known = known_guides(syntax)
    if terms.message not in known:
        yield (
            ("message",),
            f"there is no guide for '{terms.message}' in {_NAMES[syntax]}; {nearest(terms.message, known)}",
        )


_NAMES = {"edifact": "EDIFACT", "x12": "X12"}


def writing_problems(writing: Writing) -> Problems:
    """Character sets, separators and file names that cannot be used."""
    if codec_of(writing.charset) is None:
        yield ("charset",), f"'{writing.charset}' is no character set; {nearest(writing.charset, CODECS)}"
    problem = objection(writing.separators)
    if problem:
        yield ("separators",), f"cannot be used: {problem}"
    for sentence in file_name_problems(writing.file_name):
        yield ("file_name",), sentence
    for path, sentence in _x12_writing_problems(writing.x12):
        yield ("x12", *path), sentence


def _x12_writing_problems(writing: X12Writing) -> Problems:
    if not _INTERCHANGE_VERSION.fullmatch(writing.version):
        yield ("version",), f"'{writing.version}' is no interchange version (ISA12); they look like 00401"
    problem = objection(writing.separators)
    if problem:
        yield ("separators",), f"cannot be used: {problem}"
    if writing.separators.release != " ":
        yield ("separators", "release"), "X12 has no release character: leave it out"
    if len(writing.group_version) > 12:
        yield ("group_version",), f"'{writing.group_version}' is longer than the 12 characters of GS08"
    if len(writing.agency) not in (1, 2):
        yield ("agency",), f"'{writing.agency}' is not one or two characters long (GS07)"


def file_name_problems(pattern: str) -> Iterable[str]:
    """What is wrong with a pattern of file names."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        return [f"'{pattern}' is no pattern: {error}"]
    named = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
    if any(spec or conversion for _, spec, conversion in named):
        return ["fields of a pattern stand alone in braces, such as {control_reference}"]
    unknown = [name for name, _, _ in named if name not in FILE_NAME_FIELDS]
    if not unknown and not any(name in ("control_reference", "document_number") for name, _, _ in named):
        return ["needs {control_reference} or {document_number}, so that names differ"]
    return [f"unknown field {{{name}}}; {nearest(name, FILE_NAME_FIELDS)}" for name in unknown]


def number_problems(numbers: ControlNumbers, syntax: Syntax = "edifact") -> Problems:
    """Ranges that hold no number, or numbers that are too long for their place."""
    for name in ("interchange", "group", "message"):
        sentence = _range_problem(getattr(numbers, name), LONGEST_REFERENCE[syntax])
        if sentence:
            yield (name,), sentence


def _range_problem(numbers: Numbers, most: int) -> str | None:
    if not 0 <= numbers.low <= numbers.high:
        return f"the range {numbers.low} to {numbers.high} holds no number"
    longest = max(len(str(numbers.high)), numbers.width)
    return f"takes {longest} digits, the standard allows {most}" if longest > most else None


def policy_problems(policies: Policies) -> Problems:
    """Windows that cannot be, and severities for what is no code."""
    if policies.duplicate_window_days < 0:
        yield ("duplicate_window_days",), "cannot be negative"
    for code, severity in policies.severities.items():
        sentence = severity_objection(code, severity)
        if sentence:
            yield ("severities", code), sentence


def acknowledgment_problems(acknowledgments: Acknowledgments, syntax: Syntax) -> Problems:
    """Answers that belong to the other syntax, and times that have gone before they begin."""
    foreign = {"edifact": "824", "x12": "aperak"}[syntax]
    if acknowledgments.application.kind == foreign:
        right = {"edifact": "aperak", "x12": "824"}[syntax]
        yield ("application", "kind"), f"'{foreign}' does not exist in {_NAMES[syntax]}; there it is '{right}'"
    for name in ("expected_within", "application_expected_within"):
        within = getattr(acknowledgments, name)
        if within is not None and within.total_seconds() <= 0:
            yield (name,), 'must be longer than nothing, such as "PT4H"'


def identity_problems(written: dict[str, Identity], syntax: Syntax) -> Problems:
    """Identities that do not fit into an ISA (ISA05 to ISA08: two and fifteen characters) or a GS (two to fifteen)."""
    for key, identity in written.items():
        if syntax == "x12" and "group" in key and not 2 <= len(identity.id) <= 15:
            yield (key,), f"'{identity.id}' is not 2 to 15 characters long (GS02, GS03)"
        if syntax == "x12" and "group" not in key and (len(identity.qualifier) != 2 or len(identity.id) > 15):
            yield (
                (key,),
                f"'{identity}' does not fit into an ISA: two characters, a colon, 15 at most, such as ZZ:ACME",
            )


def guideline_file(name: str, partner_file: Path) -> Path:
    """The file of a guideline: in the folder `guidelines` beside the partner files."""
    return partner_file.parent / "guidelines" / f"{name}.toml"


def guideline_problems(name: str, partner_file: Path, terms: Terms, syntax: Syntax) -> Problems:
    """A guideline that has no file, is for another message or version, or has problems of its own."""
    if name and not _NAME.fullmatch(name):
        yield ("guideline",), f"'{name}' cannot be the name of a guideline"
    elif name and not guideline_file(name, partner_file).is_file():
        there = [path.stem for path in (partner_file.parent / "guidelines").glob("[!.]*.toml")]
        known = nearest(name, there) if there else f"the folder {partner_file.parent / 'guidelines'} has none"
        yield ("guideline",), f"there is no guideline '{name}'; {known}"
    elif name:
        refinement = load_refinement(guideline_file(name, partner_file))
        for version in terms.versions:
            if version not in refinement.versions:
                said = f"{refinement.message} {', '.join(refinement.versions)}"
                yield ("guideline",), f"'{name}' is for {said}, not for {terms.message} {version}"
        for problem in check_refinement(refinement, _guides(terms, syntax)):
            yield ("guideline",), f"cannot be used: {problem}"


def _guides(terms: Terms, syntax: Syntax) -> list[Guide]:
    """Guides of the versions that we know; messages of the others are checked by the nearest of these."""
    known = known_guides(syntax).get(terms.message, ())
    versions = (version for version in terms.versions if version in known)
    return [load_guide(syntax=syntax, version=version, message=terms.message) for version in versions]
