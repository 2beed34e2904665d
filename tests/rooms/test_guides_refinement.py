"""Refinements: what a guideline asks beyond the standard, what it says where that is not kept, and what it may not ask."""

import time
from pathlib import Path

import pytest

from edi_server.errors import ConfigurationError
from edi_server.guides import check, load_guide
from edi_server.guides.refinement import check_refined, check_refinement, check_rules, load_refinement, refine
from edi_server.guides.refinement_explaining import explain_refinement

ROOT = Path(__file__).parents[2]
ORDERS = load_guide(message="ORDERS", version="D.96A")
ORDER = """\
UNH+1+ORDERS:D:96A:UN
BGM+220+4711+9
DTM+137:20260301:102
DTM+2:20260305:102
FTX+AAI+++Gate 4
RFF+CT:99
NAD+BY+4012345000009::9
CTA+OC+:J. Smith
NAD+SU+4000001000005::9
LIN+1++4000001000012:EN
PIA+5+A-1:SA
QTY+21:12:PCE
MOA+203:14.40
PRI+AAA:1.20
LIN+2++4000001000029:EN
QTY+21:5:PCE
MOA+203:5.60
UNS+S
MOA+86:20
CNT+2:2
UNT+21+1""".splitlines()
HEAD = '[guideline]\ntitle = "Handbook 7"\nmessage = "ORDERS"\nversions = ["D.96A"]\n'


@pytest.fixture
def guideline(tmp_path):
    def write(text, name="shop", head=HEAD):
        path = tmp_path / f"{name}.toml"
        path.write_text(head + text, "utf-8")
        return load_refinement(path)

    return write


@pytest.fixture
def told(guideline):
    """Code, severity, number of the segment, element and component of each finding by a guideline."""

    def tell(text, segments=ORDER, **more):
        checked = check_refined(refine(ORDERS, guideline(text)), segments, released=False, **more)
        return [
            (one.code.removeprefix("guide."), one.severity, one.place.segment, one.place.element, one.place.component)
            for one in checked.findings
        ]

    return tell


def changed(*changes, base=ORDER):
    """The order with segments replaced; None drops one, a list puts more in its place."""
    message = list(base)
    for old, new in changes:
        at = next(index for index, segment in enumerate(message) if segment.startswith(old))
        message[at : at + 1] = [] if new is None else new if isinstance(new, list) else [new]
    return message


# what a line may ask, kept and not kept

LINES = [
    ('"RFF" = "mandatory"', changed(("RFF", None)), ("group-missing", "error", 5, None, None)),
    ('"FTX" = "unused"', ORDER, ("segment-not-used", "error", 5, None, None)),
    ('"FTX" = { presence = "unused", severity = "warning" }', ORDER, ("segment-not-used", "warning", 5, None, None)),
    ('"DTM" = { repeat = 1 }', ORDER, ("segment-repeats", "error", 4, None, None)),
    ('"LIN" = { repeat = 1 }', ORDER, ("group-repeats", "error", 15, None, None)),
    ('"PAI" = "recommended"', ORDER, ("recommended-missing", "warning", 4, None, None)),
    ('"LIN/PIA" = "recommended"', ORDER, ("recommended-missing", "warning", 15, None, None)),
    ('"DTM[2005=63]" = "mandatory"', ORDER, ("qualified-segment-missing", "error", 4, None, None)),
    ('"SG25/SG28[5125=AAA]" = "mandatory"', ORDER, ("qualified-segment-missing", "error", 17, None, None)),
    (
        '"DTM[2005=137]" = { repeat = 1 }',
        changed(("DTM+137", ["DTM+137:20260301:102", "DTM+137:20260302:102"])),
        ("qualified-segment-repeats", "error", 4, None, None),
    ),
    ('"DTM[2005=2]" = "unused"', ORDER, ("segment-not-used", "error", 4, None, None)),
    ('"BGM.1001" = { codes = ["221"] }', ORDER, ("code-not-agreed", "error", 2, 1, 1)),
    ('"BGM.1000" = "mandatory"', ORDER, ("component-missing", "error", 2, 1, 4)),
    ('"BGM.1004" = { max_length = 3 }', ORDER, ("value-too-long", "error", 2, 2, None)),
    ('"BGM.1004" = { min_length = 5 }', ORDER, ("value-too-short", "error", 2, 2, None)),
    ('"BGM.1004" = { format = ["n5", "a4"] }', ORDER, ("value-format", "error", 2, 2, None)),
    ('"BGM.1225" = "unused"', ORDER, ("element-not-used", "error", 2, 3, None)),
    ('"BGM.1225" = { codes = ["1"], severity = "note" }', ORDER, ("code-not-agreed", "note", 2, 3, None)),
    ('"DTM[2005=137].2379" = { codes = ["203"] }', ORDER, ("code-not-agreed", "error", 3, 1, 3)),
    ('"LIN/QTY.6411" = { codes = ["KGM", "PCE"], max_length = 2 }', ORDER, ("value-too-long", "error", 12, 1, 3)),
    ('"LIN/PIA.C212[7143=SA].7140" = { format = "n..9" }', ORDER, ("value-format", "error", 11, 2, 1)),
    ('"LIN/PIA.C212[7143=BP].7140" = "mandatory"', ORDER, ("component-missing", "error", 11, 2, 1)),
    ('"NAD[3035=BY]/CTA.3412" = { max_length = 4 }', ORDER, ("value-too-long", "error", 8, 2, 2)),
    ('"summary:MOA.5004" = { min_length = 4 }', ORDER, ("value-too-short", "error", 19, 1, 2)),
    ('"*/DTM.2380" = { max_length = 6 }', ORDER, ("value-too-long", "error", 3, 1, 2)),
]


@pytest.mark.parametrize(("line", "message", "finding"), LINES, ids=[line for line, _, _ in LINES])
def test_a_line_that_is_not_kept_is_told_at_its_place(told, line, message, finding):
    assert finding in told(f"[narrow]\n{line}\n", message)
    assert check(ORDERS, message, released=False).findings == [], "the standard has nothing against it"


KEPT = [
    '"RFF" = "mandatory"',
    '"FTX" = { repeat = 1 }',
    '"LIN" = { repeat = 2 }',
    '"NAD[3035=BY]/CTA" = { presence = "mandatory", repeat = 1 }',
    '"DTM[2005=137]" = { presence = "mandatory", repeat = 1 }',
    '"DTM[2005!=137|2]" = "unused"',
    '"BGM.1001" = { codes = ["220"] }',
    '"DTM[2005=137|2].2379" = { codes = ["102"] }',
    '"BGM.1004" = { format = "n..4" }',
    '"LIN/QTY[6063=21]" = { presence = "mandatory", repeat = 1 }',
    '"LIN/PIA[4347=5].C212[7143=SA].7140" = "mandatory"',
    '"NAD[!3164]" = { presence = "mandatory" }',
]


@pytest.mark.parametrize("line", KEPT)
def test_a_line_that_is_kept_says_nothing(told, line):
    assert told(f"[narrow]\n{line}\n") == []


RULES = [
    ('all_of = "RFF[1153=CT]"', changed(("RFF", None)), 1),
    ('when = "BGM[1001=220]"\nall_of = "RFF[1153=CT]"', changed(("RFF", "RFF+AAS:1")), 1),
    ('unless = "BGM[1001=221]"\nall_of = "RFF[1153=CT]"', changed(("RFF", "RFF+AAS:1")), 1),
    ('each = "LIN"\nany_of = ["PIA", "LIN.7140"]', changed(("LIN+2", "LIN+2")), 15),
    ('each = "LIN"\nnone_of = ["LIN/QTY[6063=12]", "APR"]', changed(("QTY+21:5", "QTY+12:5:PCE")), 15),
    ('each = "LIN"\nexactly_one_of = ["PIA", "PRI"]', changed(("PIA", None), ("PRI", None)), 10),
    ('at_most_one_of = ["DTM[2005=2]", "DTM[2005=64]"]', changed(("FTX", "DTM+64:20260306:102")), 1),
    ('all_or_none = ["DTM[2005=64]", "DTM[2005=63]"]', changed(("FTX", "DTM+64:20260306:102")), 1),
    ('equal = ["CNT[6069=2].6066", "count(LIN)"]', changed(("CNT", "CNT+2:3")), 1),
    ('equal = ["MOA[5025=86].5004", "sum(LIN/MOA[5025=203].5004)"]', changed(("MOA+86", "MOA+86:20,01")), 1),
    ('at_most = ["count(LIN)", "1"]', ORDER, 1),
    ('unique = "LIN.1082"', changed(("LIN+2", "LIN+1++4000001000029:EN")), 1),
    ('each = "LIN"\nwhen = "BGM[1001=220]"\nall_of = "MOA[5025=203]"', changed(("MOA+203:5.60", None)), 15),
    ('each = "LIN"\nequal = ["QTY.6411", "CUX.6345"]', changed(("LIN+1", ["CUX+2:EUR:9", "LIN+1++1:EN"])), 11),
]


@pytest.mark.parametrize(("rule", "message", "segment"), RULES, ids=[rule for rule, _, _ in RULES])
def test_a_rule_that_is_broken_is_told_where_it_holds(told, rule, message, segment):
    found = told(f"[rules.r]\n{rule}\n", message)
    assert ("rule-broken", "error", segment, None, None) in found
    assert {one[0] for one in found} == {"rule-broken"}


@pytest.mark.parametrize(
    "rule",
    [
        'when = "BGM[1001=221]"\nall_of = "RFF[1153=VN]"',
        'unless = "FTX"\nall_of = "RFF[1153=VN]"',
        'each = "LIN"\nany_of = ["PIA", "LIN.7140"]',
        'each = "NAD[3035=BY]"\nall_of = ["CTA", "NAD.3039"]',
        'equal = ["CNT[6069=1].6066", "sum(LIN/QTY[6063=21].6060)"]',
        'equal = ["CNT[6069=2].6066", "count(LIN)"]',
        'equal = ["summary:MOA[5025=86].5004", "19.98"]\ntolerance = "0.02"',
        'at_most = ["MOA[5025=86].5004", "20"]',
        'unique = "LIN/PIA.7140"',
        'all_or_none = ["DTM[2005=64]", "DTM[2005=63]"]',
    ],
)
def test_a_rule_that_is_kept_or_does_not_apply_says_nothing(told, rule):
    assert told(f"[rules.r]\n{rule}\n") == []


def test_a_finding_says_who_asked_and_why(guideline):
    text = '[narrow]\n"RFF" = { presence = "mandatory", why = "Section 3.1." }\n"DTM[2005=64]" = "mandatory"\n'
    guide = refine(ORDERS, guideline(text))
    findings = check_refined(guide, changed(("RFF", None)), released=False, offsets=range(100, 130)).findings
    missing = "Mandatory segment group SG1, which begins with RFF, is missing after segment 5 (FTX)."
    assert [(one.sentence, one.place.offset) for one in findings] == [
        ("Segment DTM with 2005 = 64 is missing after segment 4 (DTM). Asked for by Handbook 7.", 103),
        (f"{missing} Asked for by Handbook 7: Section 3.1.", 104),
    ]


def test_what_the_standard_finds_itself_is_not_put_to_the_guideline(guideline):
    text = '[narrow]\n"BGM.1004" = { max_length = 10 }\n"BGM.1001" = { codes = ["220"] }\n'
    guide = refine(ORDERS, guideline(text))
    long, unknown = "x" * 36, "ZZZ"
    findings = check_refined(guide, changed(("BGM", f"BGM+{unknown}+{long}+9")), released=False).findings
    assert [(one.code, "Handbook" in one.sentence) for one in findings] == [
        ("guide.code-unknown", False),
        ("guide.value-too-long", False),
    ]


@pytest.mark.parametrize(
    ("codes", "association", "expected"),
    [
        ("auto", "", {"error"}),
        ("auto", ":EAN008", {"error", "warning"}),
        ("warning", "", {"error", "warning"}),
        ("off", "", {"error"}),
    ],
)
def test_agreed_codes_bind_whatever_is_thought_of_the_directorys_list(told, codes, association, expected):
    message = changed(("UNH", f"UNH+1+ORDERS:D:96A:UN{association}"), ("BGM", "BGM+221+4711+ZZZ"))
    found = told('[narrow]\n"BGM.1001" = { codes = ["220"] }\n', message, codes=codes)
    assert ("code-not-agreed", "error", 2, 1, 1) in found
    assert {severity for _, severity, *_ in found} == expected
    assert len(found) == (1 if codes == "off" else 2)


@pytest.mark.parametrize(
    ("depth", "codes"),
    [
        ("full", ["group-missing", "rule-broken", "value-too-long"]),
        ("structure", ["group-missing"]),
        ("envelope", []),
    ],
)
def test_a_guideline_goes_as_deep_as_was_agreed(told, depth, codes):
    text = '[narrow]\n"TAX" = "mandatory"\n"BGM.1004" = { max_length = 3 }\n[rules.r]\nall_of = "PAI"\n'
    assert sorted(code for code, *_ in told(text, depth=depth)) == codes


def test_extra_codes_are_taken_although_the_standard_does_not_know_them(told):
    message = changed(("BGM", "BGM+XYZ+4711+9"))
    assert told("", message) == [("code-unknown", "error", 2, 1, 1)]
    assert told('[narrow]\n"BGM.1001" = { extra_codes = ["XYZ"] }\n', message) == []
    assert told('[narrow]\n"BGM.1001" = { codes = ["XYZ"], extra_codes = ["XYZ"] }\n') == [
        ("code-not-agreed", "error", 2, 1, 1)
    ]


def test_what_was_agreed_to_be_wider_is_taken(told):
    message = changed(("BGM", "BGM+220+" + "9" * 40 + "+9"))
    assert told('[narrow]\n"BGM.1004" = { max_length = 40, widens = true }\n', message) == []


def test_positions_of_a_refined_guide_are_those_of_the_standards(guideline):
    guide = refine(
        ORDERS, guideline('[narrow]\n"FTX" = "unused"\n"RFF" = "mandatory"\n"BGM.1004" = { max_length = 9 }\n')
    )
    assert [row.tag for row in guide.positions] == [row.tag for row in ORDERS.positions]
    refined, standard = (check(one, ORDER, released=False).tree for one in (guide, ORDERS))
    assert refined.positions == standard.positions


def test_refining_again_gives_the_same_guide(guideline):
    text = '[narrow]\n"RFF" = "mandatory"\n'
    assert refine(ORDERS, guideline(text)) is refine(ORDERS, guideline(text))


def test_rules_can_be_asked_of_a_tree_in_the_standards_guide(guideline):
    refinement = guideline('[rules.r]\nall_of = "RFF[1153=VN]"\n')
    tree = check(ORDERS, ORDER, released=False).tree
    assert [one.code for one in check_rules(tree, refinement)] == ["guide.rule-broken"]


# X12

X12 = """\
ST+850+0001
BEG+00+SA+4711++20260301
REF+IA+77
PO1+1+12+EA+1.20++VN+A-1
PO1+2+5+EA+2.00
CTT+2
SE+7+0001""".splitlines()


def test_x12_is_addressed_by_the_numbers_of_elements(guideline):
    head = '[guideline]\nmessage = "850"\nversions = ["004010"]\n'
    text = """
[narrow]
"REF[01=IA].02" = { format = "n3" }
"BEG.01" = { codes = ["00"] }
"PO1.06" = { presence = "mandatory", severity = "warning" }
[rules.lines]
equal = ["CTT.01", "count(PO1)"]
[rules.call]
when = "BEG[02=SA]"
all_of = "REF[01=CT]"
"""
    guide = refine(load_guide(syntax="x12", message="850", version="004010"), guideline(text, head=head))
    findings = check_refined(guide, X12, released=False).findings
    mine = [one for one in findings if "shop" in one.sentence]
    assert [(one.code, one.severity, one.place.segment, one.place.element) for one in mine] == [
        ("guide.rule-broken", "error", 1, None),
        ("guide.value-format", "error", 3, 2),
        ("guide.element-missing", "warning", 5, 6),
    ]


# guidelines upon guidelines


def test_a_guideline_extends_others_line_by_line(guideline):
    guideline('[narrow]\n"RFF" = "mandatory"\n"FTX" = { repeat = 2 }\n', name="base")
    middle = '[narrow]\n"FTX" = { repeat = 1, why = "One remark" }\n"BGM.1004" = { max_length = 9 }\n'
    guideline(middle, name="middle", head='[guideline]\nextends = "base"\n')
    top = '[narrow]\n"RFF" = { off = true, why = "They have none" }\n'
    refinement = guideline(top, head='[guideline]\ntitle = "Top"\nextends = "middle"\n')
    assert check_refinement(refinement, [ORDERS]) == []
    assert (refinement.message, refinement.versions, refinement.title) == ("ORDERS", ("D.96A",), "Top")
    lines = explain_refinement(refinement, ORDERS)
    assert [(line.key, line.asks, line.standard, line.why, line.title) for line in lines] == [
        ("FTX", "once", "conditional, up to 99 times", "One remark", "middle"),
        ("BGM.1004", "at most 9 characters", "conditional, an..35", "", "middle"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"RFF" = "optional"', "says otherwise than base.toml and needs a why"),
        ('"RFF" = { presence = "mandatory", why = "?" }', "has no effect"),
        ('"FTX" = { off = true }', "switches off what is not there"),
    ],
)
def test_an_override_has_a_reason_and_an_effect(guideline, line, said):
    guideline('[narrow]\n"RFF" = { presence = "mandatory" }\n', name="base")
    refinement = guideline(f"[narrow]\n{line}\n", head='[guideline]\nextends = "base"\n')
    assert any(said in str(problem) for problem in refinement.problems)


@pytest.mark.parametrize(
    ("extends", "said"),
    [("shop", "goes in a circle: shop → shop"), ("ship", "no guideline 'ship'"), ("../shop", "'../shop' is no name")],
)
def test_a_guideline_extends_what_is_there(guideline, extends, said):
    with pytest.raises(ConfigurationError, match=said.replace(".", r"\.")):
        guideline("", head=f'[guideline]\nextends = "{extends}"\n')


# what is wrong with a guideline

WRONG = [
    ('[narow]\n"RFF" = "mandatory"', "5: narow: unknown key; did you mean 'narrow'?"),
    ('[narrow]\n"RFF" = { presense = "mandatory" }', "6: narrow.RFF.presense: unknown key; did you mean 'presence'?"),
    ('[narrow]\n"RFF" = "mandatoryy"', "6: narrow.RFF.presence: cannot be 'mandatoryy'; did you mean 'mandatory'?"),
    ('[narrow]\n"RFG" = "mandatory"', "6: narrow.RFG: ORDERS D.96A has no RFG outside groups; did you mean 'RFF'?"),
    ('[narrow]\n"LIN/QTX" = "mandatory"', "ORDERS D.96A has no QTX inside LIN; did you mean 'QTY'?"),
    ('[narrow]\n"BGM.1104" = "mandatory"', "BGM of D.96A has no data element 1104; did you mean '1004'?"),
    ('[narrow]\n"BGM.C003.1001" = "mandatory"', "BGM of D.96A has no composite C003; did you mean 'C002'?"),
    ('[narrow]\n"DTM[2005=1137]" = "mandatory"', "'1137' is not in list 2005 of D.96A; did you mean '113'?"),
    ('[narrow]\n"DTM[20=137]" = "mandatory"', "DTM of D.96A has no data element 20"),
    ('[narrow]\n"dtm" = "mandatory"', "'dtm' is not a step: write a tag such as DTM"),
    ('[narrow]\n"RFF" = {}', "says nothing: give it presence"),
    ('[narrow]\n"RFF" = { codes = ["CT"] }', "narrow.RFF.codes: is for data elements"),
    ('[narrow]\n"BGM.1001" = { codes = ["22O"] }', "'22O' is not in list 1001 of D.96A; did you mean '220'?"),
    ('[narrow]\n"BGM.1001" = { extra_codes = ["220"] }', "'220' is in list 1001 already"),
    ('[narrow]\n"BGM.1004" = { extra_codes = ["220"] }', "1004 has no code list to extend"),
    ('[narrow]\n"DTM.2379" = { extra_codes = ["XX"] }', "works only for every DTM: write */DTM"),
    ('[narrow]\n"BGM.1004" = { max_length = 36 }', "the standard allows 35 characters; say widens = true"),
    ('[narrow]\n"BGM.1004" = { min_length = 9, max_length = 8 }', "no value has at least 9 and at most 8 characters"),
    ('[narrow]\n"BGM.1004" = { format = "13" }', "'13' is no format: write n13"),
    ('[narrow]\n"BGM.1004" = { format = "n36" }', "n36 is longer than the 35 characters allowed"),
    ('[narrow]\n"BGM.1004" = { repeat = 2 }', "counts segments, not data elements"),
    ('[narrow]\n"DTM" = { repeat = 36 }', "the standard allows 35, not 36; say widens = true"),
    ('[narrow]\n"DTM" = { repeat = 0 }', "must be a whole number, at least 1"),
    ('[narrow]\n"BGM" = "unused"', "the standard demands BGM here"),
    ('[narrow]\n"LIN.1082" = "mandatory"\n"SG25.1082" = { max_length = 3 }', "means the same place as LIN.1082"),
    ('[rules.r]\nall_off = "RFF"', "unknown key; did you mean 'all_of'?"),
    ('[rules.r]\nwhen = "RFF"', "says nothing: give it one of all_of, any_of"),
    ('[rules.r]\nall_of = "RFF"\nany_of = "RFF"', "says all_of and any_of: give it one of"),
    ('[rules.r]\nexactly_one_of = "RFF"', "needs at least two paths"),
    ('[rules.r]\nequal = "RFF.1154"', "compares two sides"),
    ('[rules.r]\nequal = ["sum(LIN)", "1"]', "LIN names no data element"),
    ('[rules.r]\nunique = "LIN"', "needs a data element, such as LIN.1082"),
    ('[rules.r]\neach = "FTX"\nall_of = "RFF"', "FTX is no segment group"),
    ('[rules.r]\neach = "LIN"\nall_of = "XYZ"', "ORDERS D.96A has no XYZ inside LIN"),
    ('[rules.r]\nequal = ["count(LIN)", "1"]\ntolerance = "NaN"', "must be a number in quotes"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_with_a_guideline_is_said_with_file_line_and_what_was_meant(guideline, text, said):
    refinement = guideline(text + "\n")
    problems = check_refinement(refinement, [ORDERS])
    assert any(said in str(problem) for problem in problems), [str(problem) for problem in problems]
    assert all(problem.file.endswith("shop.toml") and problem.line for problem in problems)
    with pytest.raises(ConfigurationError, match=r"shop\.toml:"):
        refine(ORDERS, refinement)


def test_a_guideline_is_for_one_message(guideline):
    problems = check_refinement(guideline(""), [load_guide(message="DESADV", version="D.96A")])
    assert "is for ORDERS, not for DESADV" in str(problems[0])


# ours


@pytest.mark.parametrize("path", sorted((ROOT / "partners" / "guidelines").glob("*.toml")), ids=lambda path: path.stem)
def test_our_guidelines_have_no_problems_in_the_guides_they_are_for(path):
    refinement = load_refinement(path)
    guides = [load_guide(message=refinement.message, version=version) for version in refinement.versions]
    assert check_refinement(refinement, guides) == []


def ten_rules(guideline):
    return guideline(
        """
[narrow]
"DTM[2005=137]" = { presence = "mandatory", repeat = 1 }
"DTM[2005=137].2379" = { codes = ["102", "203"] }
"NAD[3035=BY]" = { presence = "mandatory", repeat = 1 }
"NAD[3035=SU]" = { presence = "mandatory", repeat = 1 }
"NAD[3035=DP]" = { repeat = 1 }
[rules.contract]
when = "BGM[1001=220]"
all_of = "RFF[1153=CT]"
[rules.article]
each = "LIN"
any_of = ["PIA", "LIN.7140"]
[rules.count]
equal = ["CNT[6069=2].6066", "count(LIN)"]
[rules.one]
exactly_one_of = ["DTM[2005=2]", "DTM[2005=64]"]
[rules.total]
equal = ["MOA[5025=86].5004", "sum(LIN/MOA[5025=203].5004)"]
"""
    )


def test_ten_rules_cost_less_than_the_check_itself(guideline):
    refinement = ten_rules(guideline)
    lines = [segment.replace("LIN+1", f"LIN+{n}") for n in range(1, 26) for segment in ORDER[9:14]]
    message = [*ORDER[:9], *lines, "UNS+S", f"MOA+86:{14.40 * 25:.2f}", "CNT+2:25", "UNT+138+1"]
    guide = refine(ORDERS, refinement)
    tree = check(guide, message, released=False).tree
    assert check_rules(tree, refinement) == []

    def best(act):
        times = []
        for _ in range(7):
            began = time.process_time()
            for _ in range(300):
                act()
            times.append((time.process_time() - began) / 300)
        return min(times)

    checking = best(lambda: check(guide, message, released=False))
    assert best(lambda: check_rules(tree, refinement)) < checking
