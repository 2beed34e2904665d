"""Segments that may stand in several places: the same tag in header, detail and summary, and groups that begin alike.

Each message is written as tags with the place that each belongs to: its section, then the triggers of its groups.
"""

import pytest

from edi_server.guides import check, known_guides, load_guide

#: Tag → place, in the order of the message. A place repeated is written once: `DTM` behind `RFF header RFF` is inside it.
ORDER_LIKE = """
    UNH header
    BGM header
    DTM header
    FTX header
    RFF header RFF
    DTM header RFF
    RFF header RFF
    NAD header NAD
    LOC header NAD
    RFF header NAD/RFF
    DTM header NAD/RFF
    CTA header NAD/CTA
    COM header NAD/CTA
    NAD header NAD
    TAX header TAX
    MOA header TAX
    LOC header TAX
    CUX header CUX
    DTM header CUX
    PAT header PAT
    ALC header ALC
    ALI header ALC
    QTY header ALC/QTY
    RNG header ALC/QTY
    PCD header ALC/PCD
    MOA header ALC/MOA
    TAX header ALC/TAX
    MOA header ALC/TAX
    ALC header ALC
    LIN detail LIN
    PIA detail LIN
    QTY detail LIN
    DTM detail LIN
    MOA detail LIN
    FTX detail LIN
    PRI detail LIN/PRI
    RFF detail LIN/RFF
    DTM detail LIN/RFF
    TAX detail LIN/TAX
    MOA detail LIN/TAX
    NAD detail LIN/NAD
    LOC detail LIN/NAD
    CTA detail LIN/NAD/CTA
    ALC detail LIN/ALC
    MOA detail LIN/ALC/MOA
    TAX detail LIN/ALC/TAX
    LIN detail LIN
    QTY detail LIN
    UNS summary
"""
SUMMARY_OF_ORDERS = """
    MOA summary
    CNT summary
    ALC summary ALC
    ALI summary ALC
    MOA summary ALC
    ALC summary ALC
    MOA summary ALC
    UNT summary
"""
#: In an invoice, amounts of a line are groups.
INVOICE_LIKE = ORDER_LIKE.replace("MOA detail LIN\n    FTX detail LIN", "FTX detail LIN\n    MOA detail LIN/MOA")
INVOICE_SUMMARY = """
    CNT summary
    MOA summary MOA
    RFF summary MOA/RFF
    DTM summary MOA/RFF
    MOA summary MOA
    TAX summary TAX
    MOA summary TAX
    ALC summary ALC
    MOA summary ALC
    ALC summary ALC
    UNT summary
"""
OLDER, NEWER = ("D.93A", "S.93A", "D.96A"), ("D.97A", "D.99B", "D.01B", "D.04A", "D.10A")
MESSAGES = [
    ("ORDERS", None, ORDER_LIKE + SUMMARY_OF_ORDERS),
    ("ORDRSP", None, ORDER_LIKE + SUMMARY_OF_ORDERS),
    ("ORDCHG", None, ORDER_LIKE + SUMMARY_OF_ORDERS),
    ("INVOIC", None, INVOICE_LIKE + INVOICE_SUMMARY),
    (
        "DESADV",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        DTM header RFF
        NAD header NAD
        RFF header NAD/RFF
        CTA header NAD/CTA
        TDT header TDT
        LOC header TDT/LOC
        DTM header TDT/LOC
        EQD header EQD
        CPS detail CPS
        PAC detail CPS/PAC
        MEA detail CPS/PAC
        PCI detail CPS/PAC/PCI
        CPS detail CPS
        FTX detail CPS
        LIN detail CPS/LIN
        QTY detail CPS/LIN
        FTX detail CPS/LIN
        RFF detail CPS/LIN/RFF
        LOC detail CPS/LIN/LOC
        PCI detail CPS/LIN/PCI
        LIN detail CPS/LIN
        CPS detail CPS
        LIN detail CPS/LIN
        CNT summary
        UNT summary
        """,
    ),
    (
        "RECADV",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        DOC header DOC
        NAD header NAD
        RFF header NAD/RFF
        CTA header NAD/CTA
        TDT header TDT
        CPS detail CPS
        PAC detail CPS/PAC
        PCI detail CPS/PAC/PCI
        LIN detail CPS/LIN
        RFF detail CPS/LIN/RFF
        PCI detail CPS/LIN/PCI
        CPS detail CPS
        CNT summary
        UNT summary
        """,
    ),
    (
        "DELFOR",
        OLDER,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        NAD header NAD
        LOC header NAD
        CTA header NAD/CTA
        NAD header NAD
        UNS detail
        NAD detail NAD
        LOC detail NAD
        CTA detail NAD/CTA
        LIN detail NAD/LIN
        LOC detail NAD/LIN
        RFF detail NAD/LIN/RFF
        QTY detail NAD/LIN/QTY
        RFF detail NAD/LIN/QTY/RFF
        LIN detail NAD/LIN
        NAD detail NAD
        LIN detail NAD/LIN
        UNS summary
        CNT summary
        FTX summary
        UNT summary
        """,
    ),
    (
        "DELFOR",
        OLDER,
        """
        UNH header
        BGM header
        DTM header
        NAD header NAD
        UNS detail
        LIN detail LIN
        QTY detail LIN/QTY
        NAD detail LIN/NAD
        LOC detail LIN/NAD
        QTY detail LIN/NAD/QTY
        RFF detail LIN/NAD/QTY/RFF
        NAD detail LIN/NAD
        LIN detail LIN
        UNS summary
        UNT summary
        """,
    ),
    (
        "REMADV",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header
        NAD header NAD
        CUX header CUX
        DTM header CUX
        DOC detail DOC
        MOA detail DOC
        DTM detail DOC
        RFF detail DOC
        DOC detail DOC
        MOA detail DOC
        UNS summary
        MOA summary
        UNT summary
        """,
    ),
    (
        "PARTIN",
        None,
        """
        UNH header
        BGM header
        DTM header
        FII header
        FTX header
        RFF header RFF
        DTM header RFF
        NAD header NAD
        CTA header NAD/CTA
        NAD header NAD
        UNS detail
        NAD detail NAD
        FII detail NAD
        RFF detail NAD/RFF
        CTA detail NAD/CTA
        NAD detail NAD
        UNT summary
        """,
    ),
    (
        "SLSRPT",
        None,
        """
        UNH header
        BGM header
        DTM header
        NAD header NAD
        CTA header NAD/CTA
        LOC detail LOC
        DTM detail LOC
        LIN detail LOC/LIN
        MOA detail LOC/LIN
        LIN detail LOC/LIN
        LOC detail LOC
        LIN detail LOC/LIN
        """,
    ),
    (
        "PRICAT",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        NAD header NAD
        LOC header NAD
        CUX header CUX
        ALC header ALC
        PGI detail PGI
        DTM detail PGI
        ALC detail PGI/ALC
        """,
    ),
    (
        "INVRPT",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        NAD header NAD
        CPS detail CPS
        LIN detail LIN
        LOC detail LIN
        LIN detail LIN
        UNT summary
        """,
    ),
    (
        "INVRPT",
        NEWER,
        """
        UNH header
        BGM header
        DTM header
        LIN detail LIN
        INV detail LIN/INV
        NAD detail LIN/INV/NAD
        INV detail LIN/INV
        LIN detail LIN
        UNT summary
        """,
    ),
    (
        "DELJIT",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        NAD header NAD
        LOC header NAD
        SEQ detail SEQ
        LIN detail SEQ/LIN
        RFF detail SEQ/LIN/RFF
        QTY detail SEQ/LIN/QTY
        LIN detail SEQ/LIN
        SEQ detail SEQ
        UNT summary
        """,
    ),
    (
        "QUOTES",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        NAD header NAD
        LIN detail LIN
        MOA detail LIN/MOA
        ALC detail LIN/ALC
        LIN detail LIN
        UNS summary
        MOA summary
        CNT summary
        ALC summary ALC
        MOA summary ALC
        UNT summary
        """,
    ),
    (
        "REQOTE",
        None,
        """
        UNH header
        BGM header
        DTM header
        RFF header RFF
        NAD header NAD
        LIN detail LIN
        MOA detail LIN/MOA
        ALC detail LIN/ALC
        LIN detail LIN
        UNS summary
        MOA summary
        CNT summary
        ALC summary ALC
        MOA summary ALC
        UNT summary
        """,
    ),
    (
        "IFTMIN",
        ("D.96A", *NEWER),
        """
        UNH header
        BGM header
        LOC header LOC
        DTM header LOC
        RFF header RFF
        DTM header RFF
        TDT header TDT
        DTM header TDT
        LOC header TDT/LOC
        RFF header TDT/RFF
        NAD header NAD
        LOC header NAD
        CTA header NAD/CTA
        RFF header NAD/RFF
        GID header GID
        LOC header GID
        NAD header GID/NAD
        DTM header GID/NAD
        RFF header GID/RFF
        GID header GID
        EQD header EQD
        NAD header EQD/NAD
        UNT header
        """,
    ),
]


def rows_of(text):
    for line in filter(str.strip, text.splitlines()):
        tag, section, *path = line.split()
        yield tag, section, path[0] if path else ""


def place_of(guide, position):
    row = guide.position(position)
    triggers = [group for group in guide.groups.values() if group.trigger <= row.index <= group.last]
    return row.tag, row.section, "/".join(guide.position(group.trigger).tag for group in triggers)


CASES = [
    (message, version, text)
    for message, versions, text in MESSAGES
    for version in versions or known_guides()[message]
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "version", "text"), CASES, ids=lambda value: None if len(str(value)) > 9 else value
)
def test_every_segment_takes_its_place(message, version, text):
    guide = load_guide(message=message, version=version)
    wanted = [row for row in rows_of(text) if any(row[0] == known.tag for known in guide.positions)]
    tree = check(guide, [tag for tag, _, _ in wanted], released=False).tree
    assert [place_of(guide, position) for position in tree.positions] == wanted


WITH_UNS = [
    (message, version) for message in ("ORDERS", "ORDRSP", "ORDCHG", "INVOIC") for version in known_guides()[message]
]


@pytest.mark.parametrize(("message", "version"), WITH_UNS)
def test_without_uns_an_amount_is_taken_for_one_of_the_last_line_and_uns_is_missed(message, version):
    guide = load_guide(message=message, version=version)
    checked = check(guide, ["UNH", "BGM", "DTM", "LIN", "QTY", "MOA", "UNT"], released=False)
    assert place_of(guide, checked.tree.positions[5])[1] == "detail"
    missed = [finding for finding in checked.findings if finding.code == "guide.segment-missing"]
    assert missed[-1].place.tag == "UNS" or "UNS" in missed[-1].sentence


@pytest.mark.parametrize(("message", "version"), WITH_UNS)
def test_without_lines_the_summary_is_still_behind_uns(message, version):
    guide = load_guide(message=message, version=version)
    tags = ["UNH", "BGM", "DTM", "ALC", "MOA", "UNS", "MOA", "ALC", "MOA", "UNT"]
    positions = check(guide, tags, released=False).tree.positions
    sections = [guide.position(position).section for position in positions]
    assert sections == ["header"] * 5 + ["summary"] * 5
    assert len(positions) == len(set(positions)) == len(tags)


@pytest.mark.parametrize("version", OLDER)
def test_one_of_the_two_uns_of_delfor_is_missed(version):
    guide = load_guide(message="DELFOR", version=version)
    both = ["UNH", "BGM", "DTM", "NAD", "UNS", "NAD", "LIN", "UNS", "UNT"]
    structure = ("guide.segment-missing", "guide.segment-misplaced")
    for one in (4, 7):
        findings = check(guide, both[:one] + both[one + 1 :], released=False).findings
        assert [finding.code for finding in findings if finding.code in structure] == ["guide.segment-missing"], one
    assert not [one for one in check(guide, both, released=False).findings if one.code in structure]


def test_every_message_with_lines_has_its_sections_in_order():
    order = ["header", "detail", "summary"]
    for message, versions in known_guides().items():
        for version in versions:
            sections = [row.section for row in load_guide(message=message, version=version).positions]
            assert sections == sorted(sections, key=order.index)
            whole = message in ("APERAK", "CONTRL", "IFTMIN", "IFTSTA")
            assert list(dict.fromkeys(sections)) == order[: 1 if whole else 3], (message, version)
