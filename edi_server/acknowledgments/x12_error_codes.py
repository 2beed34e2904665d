"""The one table from our findings to the error codes of TA1, 997 and 999, and what those codes mean in words.

Source of the codes: X12 data elements I18 (TA105), 716 (AK905), 718 and 618 (AK502, IK502), 720 and 620 (AK304, IK304),
723 and 621 (AK403, IK403) of 003060 to 006020. 618, 620 and 621 have all codes of 718, 720 and 723 with the same
meaning, and others (I…) for implementation guides.
"""

from __future__ import annotations

import msgspec

from edi_server.acknowledgments.error_codes import DUPLICATE
from edi_server.findings import Finding


class X12Fault(msgspec.Struct, frozen=True):
    """How X12 names one kind of finding, by the level that it is reported at; "" where a level has no word for it."""

    #: TA105, where it is found about the interchange.
    interchange: str = ""
    #: AK905, where it is found about a group.
    group: str = ""
    #: AK502, where it is found about a message or its header and trailer.
    message: str = ""
    #: AK304, where it is found about a segment.
    segment: str = ""
    #: AK403, where it is found about an element.
    element: str = ""
    #: IK304 and IK403, where 999 has a better word: what an implementation guide asks for, not the standard.
    segment_999: str = ""
    element_999: str = ""


#: "The control structure is invalid": what TA1 says of everything that it has no better word for.
CONTROL_STRUCTURE = "022"
#: "Segments are in error": what 718 says of everything that it has no better word for.
SEGMENTS_IN_ERROR = "5"
#: "The segment has element errors" (720).
ELEMENTS_IN_ERROR = "8"
#: "The value is not one that is allowed" (723): what every other fault of an element is nearest to.
INVALID_VALUE = "7"

_CHARACTERS = X12Fault(CONTROL_STRUCTURE, message="5", segment="8", element="6")
_CONTENT = X12Fault("024", message="5")
_VALUE = X12Fault(message="5", segment="8", element="7")
_NOT_SUPPORTED = X12Fault("024", group="1", message="1")
_MISSING_CONDITION = X12Fault(message="5", segment="8", element="2")

X12_FAULTS: dict[str, X12Fault] = {
    # nobody can be told about these, or they stand outside of what is acknowledged; listed so that none is forgotten
    "syntax.empty": X12Fault("023"),
    "syntax.not-edi": X12Fault(CONTROL_STRUCTURE),
    "syntax.not-edifact": X12Fault(CONTROL_STRUCTURE),
    "syntax.not-x12": X12Fault(CONTROL_STRUCTURE),
    # characters and separators
    "syntax.bytes-outside": X12Fault(CONTROL_STRUCTURE),
    "syntax.segments-outside": X12Fault(CONTROL_STRUCTURE),
    "syntax.byte-order-mark": X12Fault(CONTROL_STRUCTURE),
    "syntax.una-malformed": X12Fault("026"),
    "syntax.separators-undeclared": X12Fault("026", message="5"),
    "syntax.charset-unknown": _CHARACTERS,
    "syntax.charset-contradicted": _CHARACTERS,
    "syntax.charset-undeclared": _CHARACTERS,
    "syntax.control-character": _CHARACTERS,
    "syntax.level-exceeded": _CHARACTERS,
    "syntax.line-break-in-segment": _CHARACTERS,
    "syntax.release-needless": _CHARACTERS,
    "syntax.lower-case": _CHARACTERS,
    "syntax.outside-level": _CHARACTERS,
    "syntax.character-simplified": _CHARACTERS,
    "syntax.character-unwritable": _CHARACTERS,
    "syntax.release-missing": _CHARACTERS,
    "syntax.repetition-missing": X12Fault(CONTROL_STRUCTURE, message="5", segment="8", element="3"),
    "syntax.comment": X12Fault(CONTROL_STRUCTURE, message="5", segment="1"),
    "syntax.ebcdic": _CHARACTERS,
    "syntax.binary-length": _VALUE,
    "syntax.binary-too-large": X12Fault("024", message="5", segment="8", element="5"),
    "syntax.terminator-typographic": X12Fault("004", message="5"),
    "syntax.segment-empty": X12Fault("004", message="5", segment="1"),
    "syntax.segment-too-long": X12Fault("004", message="5", segment="1"),
    "syntax.unterminated": X12Fault("023", group="3", message="2"),
    "syntax.last-terminator-missing": X12Fault("004"),
    # interchange
    "envelope.isa-missing": X12Fault(CONTROL_STRUCTURE),
    "envelope.isa-incomplete": X12Fault(CONTROL_STRUCTURE),
    "envelope.isa-length": X12Fault(CONTROL_STRUCTURE),
    "envelope.isa-date": X12Fault("014"),
    "envelope.isa-repetition": X12Fault("016"),
    "envelope.isa-usage": X12Fault("020"),
    "envelope.isa-unwritable": X12Fault(CONTROL_STRUCTURE),
    "envelope.x12-version": X12Fault("003"),
    "envelope.test-indicator": X12Fault("020"),
    "envelope.interchange-empty": X12Fault("024"),
    "envelope.iea-missing": X12Fault("023"),
    "envelope.iea-count": X12Fault("021"),
    "envelope.iea-reference": X12Fault("001"),
    "envelope.gs-missing": _CONTENT,
    "envelope.messages-outside-group": _CONTENT,
    "envelope.segment-outside-message": _CONTENT,
    "envelope.segment-misplaced": X12Fault(CONTROL_STRUCTURE, message="5", segment="2"),
    "envelope.syntax-version": X12Fault("003"),
    # group
    "envelope.gs-incomplete": X12Fault("024", group="6"),
    "envelope.gs-date": X12Fault("024"),
    "envelope.ge-missing": X12Fault("024", group="3"),
    "envelope.ge-count": X12Fault("024", group="5"),
    "envelope.ge-reference": X12Fault("024", group="4"),
    "envelope.group-reference-duplicate": X12Fault("024", group="19"),
    "envelope.group-empty": X12Fault("024"),
    "envelope.group-type": X12Fault("024", group="1", message="6"),
    # message
    "envelope.st-incomplete": X12Fault("024", message="7"),
    "envelope.se-missing": X12Fault("024", message="2"),
    "envelope.se-count": X12Fault("024", message="4"),
    "envelope.se-reference": X12Fault("024", message="3"),
    "envelope.message-reference-duplicate": X12Fault("024", message="23"),
    "envelope.message-too-large": _CONTENT,
    # envelopes of EDIFACT, which no TA1 or 997 answers: by the same meaning
    "envelope.unb-missing": X12Fault(CONTROL_STRUCTURE),
    "envelope.unb-incomplete": X12Fault(CONTROL_STRUCTURE),
    "envelope.unb-date": X12Fault("014"),
    "envelope.unz-missing": X12Fault("023"),
    "envelope.unz-count": X12Fault("021"),
    "envelope.unz-reference": X12Fault("001"),
    "envelope.ung-incomplete": X12Fault("024", group="6"),
    "envelope.une-missing": X12Fault("024", group="3"),
    "envelope.une-count": X12Fault("024", group="5"),
    "envelope.une-reference": X12Fault("024", group="4"),
    "envelope.unh-incomplete": X12Fault("024", message="7"),
    "envelope.unt-missing": X12Fault("024", message="2"),
    "envelope.unt-count": X12Fault("024", message="4"),
    "envelope.unt-reference": X12Fault("024", message="3"),
    "envelope.package-skipped": _CONTENT,
    "envelope.package-unfinished": _CONTENT,
    "envelope.unp-length": _CONTENT,
    "envelope.unp-reference": _CONTENT,
    "envelope.unh-version": X12Fault("024", message="6"),
    "envelope.interactive-unsupported": X12Fault("002"),
    # structure of the message, by its guide
    "guide.message-unknown": X12Fault(message="1"),
    "guide.version-unknown": X12Fault(group="2", message="1"),
    "guide.segment-missing": X12Fault(message="5", segment="3"),
    "guide.group-missing": X12Fault(message="5", segment="3"),
    "guide.segment-repeats": X12Fault(message="5", segment="5"),
    "guide.group-repeats": X12Fault(message="5", segment="4"),
    "guide.segment-misplaced": X12Fault(message="5", segment="7"),
    "guide.segment-unknown": X12Fault(message="5", segment="6"),
    "guide.nesting-own-parent": _VALUE,
    "guide.nesting-repeated": _VALUE,
    "guide.nesting-parent-unknown": _VALUE,
    "guide.nesting-too-deep": _VALUE,
    "guide.hierarchy-child-code": _VALUE,
    "guide.hierarchy-level-misplaced": _VALUE,
    "guide.hierarchy-not-sequential": _VALUE,
    "guide.hierarchy-own-parent": _VALUE,
    "guide.hierarchy-parent-unknown": _VALUE,
    "guide.hierarchy-repeated": _VALUE,
    "guide.more-findings": X12Fault(message="5"),
    # by the implementation guide of a partner
    "guide.rule-broken": X12Fault(message="5", element="7"),
    "guide.qualified-segment-missing": X12Fault(message="5", segment="3", element="1", segment_999="I8"),
    "guide.qualified-segment-repeats": X12Fault(message="5", segment="5", element="12"),
    "guide.recommended-missing": X12Fault(message="5", element="2", segment_999="I8", element_999="I9"),
    "guide.segment-not-used": X12Fault(message="5", segment="2", element="3", segment_999="I4"),
    "guide.element-not-used": X12Fault(message="5", segment="8", element="3", element_999="I10"),
    "guide.code-not-agreed": X12Fault(message="5", segment="8", element="7", element_999="I6"),
    "guide.value-format": X12Fault(message="5", segment="8", element="7", element_999="I12"),
    # what stands in a segment, by the guide
    "guide.element-missing": X12Fault(message="5", segment="8", element="1"),
    "guide.component-missing": X12Fault(message="5", segment="8", element="1"),
    "guide.condition-missing": _MISSING_CONDITION,
    "guide.condition-excluded": X12Fault(message="5", segment="8", element="10"),
    "guide.element-superfluous": X12Fault(message="5", segment="8", element="3"),
    "guide.component-superfluous": X12Fault(message="5", segment="8", element="13"),
    "guide.element-repeats": X12Fault(message="5", segment="8", element="12"),
    "guide.separator-superfluous": X12Fault(message="5", segment="8", element="3"),
    "guide.character-invalid": X12Fault(message="5", segment="8", element="6"),
    "guide.value-blank": X12Fault(message="5", segment="8", element="6"),
    "guide.value-not-numeric": X12Fault(message="5", segment="8", element="6"),
    "guide.value-not-decimal": X12Fault(message="5", segment="8", element="6"),
    "guide.value-not-alphabetic": X12Fault(message="5", segment="8", element="6"),
    "guide.value-not-date": X12Fault(message="5", segment="8", element="8"),
    "guide.value-not-time": X12Fault(message="5", segment="8", element="9"),
    "guide.value-too-long": X12Fault(message="5", segment="8", element="5"),
    "guide.value-too-short": X12Fault(message="5", segment="8", element="4"),
    "guide.code-unknown": _VALUE,
    # who and what was agreed
    "partner.unknown-sender": X12Fault("006"),
    "partner.sender-of-other-mailbox": X12Fault("006"),
    "partner.unknown-recipient": X12Fault("009"),
    "partner.no-agreement": _NOT_SUPPORTED,
    "partner.version-not-agreed": X12Fault("024", group="2", message="1"),
    "partner.lane-not-agreed": X12Fault("020", message="1"),
    DUPLICATE: X12Fault("025"),
}

#: TA105 by the element of ISA that is wrong.
_NOTES_OF_ISA = {
    1: "010",
    2: "011",
    3: "012",
    4: "013",
    5: "005",
    6: "006",
    7: "007",
    8: "008",
    9: "014",
    10: "015",
    11: "016",
    12: "017",
    13: "018",
    14: "019",
    15: "020",
    16: "027",
}
#: AK502 by the element of ST and SE, and AK905 by that of GS, that is wrong.
_CODES_OF_SERVICE_ELEMENTS = {
    ("ST", 1): "6",
    ("ST", 2): "7",
    ("ST", 3): "19",
    ("SE", 1): "4",
    # That it differs from ST02 is said by its own finding.
    ("SE", 2): "7",
}
#: Codes of 723 that came with 004030 (X12 had no repetitions before), and what was said before.
_BEFORE_004030 = {"12": "3", "13": "3"}
#: 716 and 718: codes that one of the versions 003060 to 004030 lacks.
_LATE_CODES = frozenset({"18", "19"})


def note_code(finding: Finding) -> str:
    """TA105 of something found about an interchange; 000 is never among them."""
    place, fault = finding.place, X12_FAULTS.get(finding.code, X12Fault())
    by_element = _NOTES_OF_ISA.get(place.element or 0, "") if place.tag == "ISA" else ""
    general = fault.interchange in ("", CONTROL_STRUCTURE) or finding.code == "envelope.isa-date"
    return (by_element if general else "") or fault.interchange or CONTROL_STRUCTURE


def group_code(finding: Finding, version: str) -> str:
    """AK905 of something found about a group; "" where 716 has no word for it."""
    code = X12_FAULTS.get(finding.code, X12Fault()).group
    if finding.code == "envelope.gs-date" and version >= "006020":
        return {4: "30", 5: "31"}.get(finding.place.element or 0, "")
    return "" if code in _LATE_CODES and version < "005010" else code


def message_code(finding: Finding, version: str) -> str:
    """AK502 of something found about a message as a whole, or about ST or SE."""
    place, fault = finding.place, X12_FAULTS.get(finding.code, X12Fault())
    by_element = _CODES_OF_SERVICE_ELEMENTS.get((place.tag or "", place.element or 0), "")
    code = fault.message if fault.message not in ("", SEGMENTS_IN_ERROR, "7") else by_element or fault.message
    return SEGMENTS_IN_ERROR if not code or (code in _LATE_CODES and version < "005010") else code


def segment_code(finding: Finding, *, is_999: bool) -> str:
    """AK304 or IK304 of something found about a whole segment; "" (it is optional) where X12 has no word for it."""
    fault = X12_FAULTS.get(finding.code, X12Fault())
    return (fault.segment_999 if is_999 else "") or fault.segment


def element_code(finding: Finding, version: str, *, is_999: bool) -> str:
    """AK403 or IK403 of something found about an element."""
    fault = X12_FAULTS.get(finding.code, X12Fault())
    code = (fault.element_999 if is_999 else "") or fault.element or INVALID_VALUE
    return _BEFORE_004030.get(code, code) if version < "004030" else code
