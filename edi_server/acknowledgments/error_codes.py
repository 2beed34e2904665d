"""The one table from our findings to the syntax errors of CONTRL (data element 0085), and what those mean in words.

Source of the codes: ISO 9735 version 3 (CONTRL D:3) and ISO 9735-4 (CONTRL 4:1), code list 0085. CONTRL says
nothing of findings of other rooms: what is wrong with the business is answered by other messages.
"""

from __future__ import annotations

import msgspec

from edi_server.findings import Finding


class Fault(msgspec.Struct, frozen=True):
    """How CONTRL names one kind of finding."""

    #: 0085 in syntax versions 1 to 3.
    code: str
    #: 0085 in syntax version 4, where that has another code for it.
    code_4: str = ""
    #: Service segment, element and component it is about, where the finding itself cannot know.
    tag: str = ""
    element: int | None = None
    component: int | None = None


#: Another interchange of the same sender, recipient and control reference was there before, or the same bytes.
DUPLICATE = "interchange.duplicate"

FAULTS: dict[str, Fault] = {
    # nobody can be told about these, or they stand outside of what is acknowledged; listed so that none is forgotten
    "syntax.empty": Fault("18"),
    "syntax.not-edi": Fault("18"),
    "syntax.not-edifact": Fault("18"),
    "syntax.not-x12": Fault("18"),
    "envelope.unb-missing": Fault("13", tag="UNB"),
    "envelope.interactive-unsupported": Fault("18"),
    # characters and service characters
    "syntax.bytes-outside": Fault("33"),
    "syntax.segments-outside": Fault("33"),
    "syntax.byte-order-mark": Fault("21"),
    "syntax.una-malformed": Fault("20", tag="UNA"),
    "syntax.separators-undeclared": Fault("22"),
    "syntax.charset-unknown": Fault("2", tag="UNB", element=1, component=1),
    "syntax.charset-contradicted": Fault("21"),
    "syntax.charset-undeclared": Fault("21"),
    "syntax.comment": Fault("15"),
    "syntax.ebcdic": Fault("21", "46"),
    "syntax.binary-length": Fault("12"),
    "syntax.binary-too-large": Fault("39"),
    "syntax.terminator-typographic": Fault("22"),
    "syntax.control-character": Fault("21"),
    "syntax.level-exceeded": Fault("21"),
    "syntax.line-break-in-segment": Fault("21"),
    "syntax.release-needless": Fault("22"),
    "syntax.lower-case": Fault("21"),
    "syntax.outside-level": Fault("21"),
    "syntax.character-simplified": Fault("21"),
    "syntax.character-unwritable": Fault("21"),
    "syntax.release-missing": Fault("22"),
    "syntax.repetition-missing": Fault("22"),
    "syntax.segment-empty": Fault("15"),
    "syntax.segment-too-long": Fault("22"),
    "syntax.unterminated": Fault("22"),
    "syntax.last-terminator-missing": Fault("22"),
    # interchange
    "envelope.unb-incomplete": Fault("13", tag="UNB"),
    "envelope.syntax-version": Fault("2", tag="UNB", element=1, component=2),
    "envelope.unb-date": Fault("12", tag="UNB", element=4),
    "envelope.test-indicator": Fault("12", tag="UNB", element=11),
    "envelope.interchange-empty": Fault("32"),
    "envelope.unz-missing": Fault("13", tag="UNZ"),
    "envelope.unz-count": Fault("29", tag="UNZ", element=1),
    "envelope.unz-reference": Fault("28", tag="UNZ", element=2),
    "envelope.messages-outside-group": Fault("30"),
    "envelope.segment-outside-message": Fault("33"),
    "envelope.segment-misplaced": Fault("15"),
    "envelope.package-skipped": Fault("15"),
    "envelope.package-unfinished": Fault("13"),
    "envelope.unp-length": Fault("29"),
    "envelope.unp-reference": Fault("28"),
    # interchange of X12, which no CONTRL answers: by the same meaning
    "envelope.isa-missing": Fault("13", tag="UNB"),
    "envelope.isa-incomplete": Fault("13", tag="UNB"),
    "envelope.isa-length": Fault("12", tag="UNB"),
    "envelope.isa-date": Fault("12", tag="UNB", element=4),
    "envelope.isa-repetition": Fault("22", tag="UNB"),
    "envelope.isa-usage": Fault("12", tag="UNB", element=11),
    "envelope.isa-unwritable": Fault("39", tag="UNB"),
    "envelope.x12-version": Fault("2", tag="UNB", element=1, component=2),
    "envelope.iea-missing": Fault("13", tag="UNZ"),
    "envelope.iea-count": Fault("29", tag="UNZ", element=1),
    "envelope.iea-reference": Fault("28", tag="UNZ", element=2),
    "envelope.gs-missing": Fault("13", tag="UNG"),
    "envelope.gs-incomplete": Fault("13", tag="UNG"),
    "envelope.gs-date": Fault("12", tag="UNG", element=4),
    "envelope.ge-missing": Fault("13", tag="UNE"),
    "envelope.ge-count": Fault("29", tag="UNE", element=1),
    "envelope.ge-reference": Fault("28", tag="UNE", element=2),
    "envelope.st-incomplete": Fault("13", tag="UNH"),
    "envelope.se-missing": Fault("13", tag="UNT"),
    "envelope.se-count": Fault("29", tag="UNT", element=1),
    "envelope.se-reference": Fault("28", tag="UNT", element=2),
    # group
    "envelope.group-reference-duplicate": Fault("26", tag="UNG", element=5),
    "envelope.group-type": Fault("31", tag="UNG", element=1),
    "envelope.group-empty": Fault("32", tag="UNG"),
    "envelope.ung-incomplete": Fault("13", tag="UNG"),
    "envelope.une-missing": Fault("13", tag="UNE"),
    "envelope.une-count": Fault("29", tag="UNE", element=1),
    "envelope.une-reference": Fault("28", tag="UNE", element=2),
    # message
    "envelope.unh-incomplete": Fault("13", tag="UNH"),
    "envelope.unh-version": Fault("12", tag="UNH", element=2),
    "envelope.unt-missing": Fault("13", tag="UNT"),
    "envelope.unt-count": Fault("29", tag="UNT", element=1),
    "envelope.unt-reference": Fault("28", tag="UNT", element=2),
    "envelope.message-reference-duplicate": Fault("26", tag="UNH", element=1),
    "envelope.message-too-large": Fault("18"),
    # structure of the message, by its guide
    "guide.message-unknown": Fault("14", tag="UNH", element=2, component=1),
    "guide.version-unknown": Fault("14", tag="UNH", element=2, component=3),
    "guide.segment-missing": Fault("13"),
    "guide.group-missing": Fault("13"),
    "guide.segment-repeats": Fault("35"),
    "guide.group-repeats": Fault("36"),
    "guide.segment-misplaced": Fault("15"),
    "guide.segment-unknown": Fault("15"),
    "guide.nesting-own-parent": Fault("12"),
    "guide.nesting-repeated": Fault("26", "12"),
    "guide.nesting-parent-unknown": Fault("12"),
    "guide.nesting-too-deep": Fault("12"),
    "guide.hierarchy-child-code": Fault("12"),
    "guide.hierarchy-level-misplaced": Fault("12"),
    "guide.hierarchy-not-sequential": Fault("12"),
    "guide.hierarchy-own-parent": Fault("12"),
    "guide.hierarchy-parent-unknown": Fault("12"),
    "guide.hierarchy-repeated": Fault("12"),
    "guide.more-findings": Fault("18"),
    # by the implementation guide of a partner
    "guide.rule-broken": Fault("12"),
    "guide.qualified-segment-missing": Fault("13"),
    "guide.qualified-segment-repeats": Fault("35"),
    "guide.recommended-missing": Fault("13"),
    "guide.segment-not-used": Fault("15"),
    "guide.element-not-used": Fault("15"),
    "guide.code-not-agreed": Fault("12"),
    "guide.value-format": Fault("12"),
    # what stands in a segment, by the guide
    "guide.element-missing": Fault("13"),
    "guide.component-missing": Fault("13"),
    "guide.element-superfluous": Fault("16"),
    "guide.component-superfluous": Fault("16"),
    "guide.element-repeats": Fault("16", "35"),
    "guide.separator-superfluous": Fault("16", "45"),
    "guide.value-blank": Fault("12"),
    "guide.value-not-numeric": Fault("37"),
    "guide.value-not-alphabetic": Fault("37"),
    "guide.value-not-decimal": Fault("37"),
    "guide.value-not-date": Fault("12"),
    "guide.value-not-time": Fault("12"),
    "guide.character-invalid": Fault("21"),
    "guide.condition-missing": Fault("13", "48"),
    "guide.condition-excluded": Fault("15", "48"),
    "guide.value-too-long": Fault("39"),
    "guide.value-too-short": Fault("40"),
    "guide.code-unknown": Fault("12"),
    # who and what was agreed
    "partner.unknown-sender": Fault("23", tag="UNB", element=2),
    "partner.sender-of-other-mailbox": Fault("23", tag="UNB", element=2),
    "partner.unknown-recipient": Fault("7", tag="UNB", element=3),
    "partner.no-agreement": Fault("17", tag="UNH", element=2, component=1),
    "partner.version-not-agreed": Fault("17", tag="UNH", element=2, component=3),
    "partner.lane-not-agreed": Fault("25"),
    DUPLICATE: Fault("26", tag="UNB", element=5),
}

#: 0085 in our words, for people who read what a partner reported; the codes of syntax version 2 included.
MEANINGS: dict[str, str] = {
    "1": "the service string advice (UNA) is not supported",
    "2": "the syntax version or level is not supported",
    "3": "the message version or release is not supported",
    "4": "a service segment is missing or invalid",
    "5": "the check in a trailer failed",
    "6": "a segment is missing or invalid",
    "7": "the interchange reached somebody it is not addressed to",
    "8": "a segment has too many data elements",
    "9": "a mandatory data element is missing",
    "10": "a data element has the wrong format",
    "11": "the password is invalid",
    "12": "a value is invalid",
    "13": "something mandatory is missing",
    "14": "a value is not supported here",
    "15": "something stands where it is not supported",
    "16": "there are more data elements or components than allowed",
    "17": "there is no agreement to receive this",
    "18": "there is an error that is not specified",
    "19": "a number has an invalid decimal mark",
    "20": "a character of the service string advice cannot be a service character",
    "21": "there are invalid characters",
    "22": "there are invalid service characters",
    "23": "the interchange's sender is unknown",
    "24": "it is too old",
    "25": "tests are not supported",
    "26": "it was received before",
    "27": "the security function is not supported",
    "28": "the references of header and trailer differ",
    "29": "the count in the trailer is not the number received",
    "30": "groups and messages outside of groups are mixed",
    "31": "a group has more than one type of message",
    "32": "there is nothing inside",
    "33": "something stands outside of any message or group",
    "34": "explicit nesting is not allowed",
    "35": "something is repeated too often",
    "36": "a segment group is repeated too often",
    "37": "letters stand where digits belong, or digits where letters do",
    "38": "a digit is missing in front of the decimal mark",
    "39": "a data element is too long",
    "40": "a data element is too short",
    "41": "the network failed for good",
    "42": "the network failed for now",
    "43": "the interchange's recipient is unknown",
    "44": "the application is not available for now",
    "45": "there is a separator at the end with nothing behind it",
    "46": "the character set is not supported",
    "47": "this way of enveloping is not supported",
    "48": "what one element demands of another is not fulfilled",
}


#: Rooms whose findings are all reported; a code of theirs that the table does not know is an unspecified error.
_REPORTED_ROOMS = ("syntax.", "envelope.", "guide.")
_UNSPECIFIED = Fault("18")


def fault_of(finding: Finding) -> Fault | None:
    """How CONTRL names a finding, or None if it does not report findings of that kind."""
    known = FAULTS.get(finding.code)
    return known or (_UNSPECIFIED if finding.code.startswith(_REPORTED_ROOMS) else None)


def error_code(fault: Fault, syntax_version: str) -> str:
    """0085 of a fault in the CONTRL for an interchange of that syntax version."""
    return fault.code_4 if syntax_version == "4" and fault.code_4 else fault.code
