"""The service segments of UN/EDIFACT that open something, from their normal form: UNB, UNG, UNH.

Source: ISO 9735 annex B (versions 1 to 3) and ISO 9735-1:2002 annex C (version 4).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader, Usage
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import Dialect
from edi_server.syntax.normal import from_text, to_text

#: Makes the place of an element and component of the segment at hand.
PlaceOf = Callable[[int, int], Place]

_SIX_DIGITS = re.compile(r"\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_EIGHT_DIGITS = re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
#: 0035; version 4 also knows a test of the syntax only, and an echo asked for and given.
_TESTS = ("", "0", "1")
_TESTS_4 = ("2", "3", "4")
#: 0054 of a directory, and what 0052 is taken for beside it: a nought is an O gone wrong is a D.
_RELEASE = re.compile(r"\d\d[A-Ca-c]\Z")
_VERSIONS = {"D": "D", "S": "S", "0": "D", "O": "D"}
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d\Z")


class Fields:
    """Elements and components of a segment in normal form, as text; "" where there is none."""

    def __init__(self, segment: str) -> None:
        self._elements = segment.split("+")

    def __call__(self, element: int, component: int = 1) -> str:
        """The text of a component, counted from 1 like the element; element 0 is the tag."""
        try:
            piece = self._elements[element].split(":", component)[component - 1]
        except IndexError:
            return ""
        return piece if piece.isprintable() else to_text(piece)

    def components(self, element: int, count: int) -> list[str]:
        """The texts of the first `count` components of an element."""
        if element >= len(self._elements):
            return [""] * count
        whole = self._elements[element]
        texts = whole.split(":", count)[:count]
        if not whole.isprintable():
            texts = list(map(to_text, texts))
        return texts + [""] * (count - len(texts))


def is_count(text: str, expected: int) -> bool:
    """True if the text is that number, leading zeros allowed (ISO 9735 section 10)."""
    return bool(text) and (text.strip().lstrip("0") or "0") == str(expected)


def interchange_header(segment: str, dialect: Dialect) -> InterchangeHeader:
    """UNB as read."""
    field = Fields(segment)
    charset, syntax_version, service_directory, encoding, syntax_release = field.components(1, 5)
    acknowledgment, test = field(9), field(11)
    return InterchangeHeader(
        syntax="edifact",
        charset=charset,
        syntax_version=syntax_version,
        service_directory=service_directory,
        encoding=encoding,
        syntax_release=syntax_release,
        sender=_identity(field, 2),
        recipient=_identity(field, 3),
        date=field(4, 1),
        time=field(4, 2),
        control_reference=field(5),
        password=field(6, 1),
        password_qualifier=field(6, 2),
        application_reference=field(7),
        priority=field(8),
        acknowledgment_requested=acknowledgment == "1",
        acknowledgment_code="" if acknowledgment == "1" else acknowledgment,
        agreement=field(10),
        test=test not in ("", "0"),
        test_code="" if test == "1" else test,
        separators=dialect.separators,
        segment=segment,
    )


@lru_cache(maxsize=256)
def no_interchange_header(dialect: Dialect) -> InterchangeHeader:
    """The header of messages that came without UNB; kept, because every interchange begins with it."""
    return interchange_header("", dialect)


def _identity(field: Fields, element: int) -> Identity:
    """S002, S003; S006, S007 have its first two components."""
    id_, qualifier, routing, internal = field.components(element, 4)
    return Identity(id=id_, qualifier=qualifier, routing=routing, internal=internal)


def check_interchange_header(header: InterchangeHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a UNB."""
    field = Fields(header.segment)
    findings = [
        remark("envelope.unb-incomplete", place(element, component), expected=expected)
        for element, component, expected in (
            (1, 1, "a syntax identifier such as UNOC"),
            (2, 1, "the sender's identification"),
            (3, 1, "the recipient's identification"),
            (5, 1, "an interchange control reference"),
        )
        if not field(element, component)
    ]
    version, test = field(1, 2), field(11)
    if version not in ("1", "2", "3", "4"):
        findings.append(remark("envelope.syntax-version", place(1, 2), found=version, expected="1, 2, 3 or 4"))
    findings += _check_preparation(header, place)
    if test not in _TESTS and not (version == "4" and test in _TESTS_4):
        findings.append(remark("envelope.test-indicator", place(11, 1), found=test, expected="1, or nothing"))
    return findings


def _check_preparation(header: InterchangeHeader, place: PlaceOf) -> list[Finding]:
    """0017 is YYMMDD up to version 3, CCYYMMDD in version 4; 0019 is HHMM."""
    date, expected = (_EIGHT_DIGITS, "CCYYMMDD") if header.syntax_version == "4" else (_SIX_DIGITS, "YYMMDD")
    findings = []
    if not date.match(header.date):
        findings.append(remark("envelope.unb-date", place(4, 1), found=header.date, expected=expected))
    if not _TIME.match(header.time):
        findings.append(remark("envelope.unb-date", place(4, 2), found=header.time, expected="HHMM"))
    return findings


def group_header(segment: str) -> GroupHeader:
    """UNG as read."""
    field = Fields(segment)
    sender, recipient = _identity(field, 2), _identity(field, 3)
    version, release, association = field.components(7, 3)
    return GroupHeader(
        message_type=field(1),
        sender=sender if sender.id else None,
        recipient=recipient if recipient.id else None,
        date=field(4, 1),
        time=field(4, 2),
        control_reference=field(5),
        agency=field(6),
        version=f"{version}.{release}" if release else version,
        association=association,
        password=field(8),
        segment=segment,
    )


def check_group_header(header: GroupHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a UNG; version 4 asks for the reference only."""
    if header.control_reference:
        return []
    return [remark("envelope.ung-incomplete", place(5, 1), expected="a group reference number")]


def message_header(segment: str) -> MessageHeader:
    """UNH as read, version and release as they are meant."""
    field = Fields(segment)
    kind, version, release, agency, association = field.components(2, 5)
    if not (version == "D" and release.isalnum()):
        version, release = meant_version(version, release)
    header = MessageHeader(
        reference=field(1),
        type=kind,
        version=version,
        release=release,
        agency=agency,
        association=association,
        segment=segment,
    )
    return header if _is_short(segment) else _with_the_rest(header, field)


def _is_short(segment: str) -> bool:
    """True for a UNH that says no more than what message it is, as nearly all do."""
    return segment.count("+") < 3 and segment.count(":") < 5


def _with_the_rest(header: MessageHeader, field: Fields) -> MessageHeader:
    """With all that comes behind the message's type: syntax version 4 has most of it."""
    *_, code_list_version, sub_function = field.components(2, 7)
    return msgspec.structs.replace(
        header,
        code_list_version=code_list_version,
        sub_function=sub_function,
        access_reference=field(3),
        transfer=field(4, 1),
        transfer_position=field(4, 2),
        subset=_usage(field, 5),
        guideline=_usage(field, 6),
        scenario=_usage(field, 7),
    )


def _usage(field: Fields, element: int) -> Usage | None:
    id_, version, release, agency = field.components(element, 4)
    return Usage(id=id_, version=version, release=release, agency=agency) if id_ else None


def meant_version(version: str, release: str) -> tuple[str, str]:
    """Version and release (0052, 0054) as they are meant: `D: 96A`, `0:96A`, `96A:D`, `D96A`, `d:96a` are D and 96A."""
    version, release = version.strip(), release.strip()
    if _RELEASE.match(version) and release.upper() in _VERSIONS:
        version, release = release, version
    if not release and _RELEASE.match(version[1:]):
        version, release = version[0], version[1:]
    if _RELEASE.match(release):
        return _VERSIONS.get(version.upper(), version), release.upper()
    return version, release


def with_version(segment: str, version: str, release: str) -> str:
    """UNH with another version and release."""
    tag, reference, kind, *rest = segment.split("+")
    name, _, _, *others = [*kind.split(":"), "", ""]
    kind = ":".join([name, from_text(version), from_text(release), *others]).rstrip(":")
    return "+".join([tag, reference, kind, *rest])


def check_message_header(header: MessageHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a UNH."""
    written = Fields(header.segment).components(2, 3)[1:]
    findings = [
        remark("envelope.unh-incomplete", place(element, component), expected=expected)
        for value, element, component, expected in (
            (header.reference, 1, 1, "a message reference number"),
            (header.type, 2, 1, "a message type such as ORDERS"),
            (header.version, 2, 2, "a message version such as D"),
            (header.release, 2, 3, "a message release such as 96A"),
            (header.agency, 2, 4, "a controlling agency such as UN"),
        )
        if not value
    ]
    if written != [header.version, header.release]:
        expected = f"{header.version}:{header.release}"
        findings.append(remark("envelope.unh-version", place(2, 2), found=":".join(written), expected=expected))
    return findings
