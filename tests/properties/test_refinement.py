"""The quick answer of a refinement and its explanation hold to the same verdict, whatever the message."""

from functools import cache
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import make_message

from edi_server.guides import check, load_guide
from edi_server.guides.refinement import check_refined, check_refinement, load_refinement, refine
from edi_server.guides.refinement_code import quick_check
from edi_server.guides.refinement_judging import judge
from edi_server.guides.refinement_plan import plan

ORDERS = load_guide(message="ORDERS", version="D.96A")
GUIDELINE = Path(__file__).parents[2] / "partners" / "guidelines" / "nordmarkt-orders.toml"
HEAD = '[guideline]\nmessage = "ORDERS"\nversions = ["D.96A"]\n'
NARROW = [
    '"DTM[2005=137]" = { presence = "mandatory", repeat = 1 }',
    '"DTM[2005!=137|2]" = "unused"',
    '"DTM[2379]" = { repeat = 2 }',
    '"DTM[2005=137|2].2379" = { codes = ["102", "203"] }',
    '"RFF[1153=CT]" = "recommended"',
    '"NAD[3035=BY]/CTA" = { presence = "mandatory", severity = "warning" }',
    '"NAD[3035=BY]/CTA[3139=OC]/COM" = { presence = "mandatory" }',
    '"NAD[3035=BY|SU].C082.3039" = { presence = "mandatory", format = ["n13", "an..3"] }',
    '"LIN/PIA.C212[7143=SA].7140" = { presence = "mandatory", max_length = 5, severity = "warning" }',
    '"LIN/PIA.7140" = { max_length = 20, severity = "warning" }',
    '"LIN/QTY[6063=21]" = { presence = "mandatory", repeat = 1 }',
    '"LIN/QTY[!6411]" = "unused"',
    '"LIN/PRI/DTM.2380" = { min_length = 3 }',
    '"LIN.1229" = { presence = "unused", severity = "warning" }',
]
RULES = [
    'each = "LIN"\nany_of = ["PIA", "LIN.7140"]',
    'each = "LIN"\nwhen = "DTM[2005=2]"\nall_of = ["QTY", "PRI[5125=AAA]"]',
    'each = "LIN"\nwhen = "BGM[1001=220]"\nunless = "summary:MOA"\nall_of = "MOA"',
    'each = "LIN[1229]"\nexactly_one_of = ["IMD", "PIA.7140"]',
    'each = "NAD[3035=BY]"\nall_or_none = ["CTA", "LOC", "NAD.3124"]',
    'each = "LIN/PRI"\nat_most_one_of = ["RNG", "DTM"]',
    'each = "LIN"\nnone_of = ["ALC", "BGM[1001=221]"]',
    'equal = ["CNT[6069=2].6066", "count(LIN)"]',
    'equal = ["count(LIN/PIA.7140)", "count(LIN/QTY)"]\ntolerance = "1"',
    'at_most = ["sum(LIN/QTY[6063=21].6060)", "1000"]',
    'each = "LIN"\nequal = ["QTY.6411", "MEA.6411"]',
    'unique = ["LIN.1082", "LIN/PIA.7140"]',
]
#: Segments that are put in place of what a random message says, so that qualifiers meet.
SAID = {
    "BGM": ["BGM+220+1", "BGM+221", "BGM"],
    "DTM": ["DTM+137:2026:102", "DTM+2:2026:203", "DTM+137", "DTM+63:1", "DTM:1:2+137:2026:718"],
    "NAD": ["NAD+BY+1234567890123::9", "NAD+SU+12", "NAD+BY+1234", "NAD+DP"],
    "RFF": ["RFF+CT:1", "RFF+ON"],
    "CTA": ["CTA+OC", "CTA+PD+:Ann"],
    "LIN": ["LIN+1++12:EN", "LIN+2+1", "LIN+3++:EN", "LIN", "LIN:1+1"],
    "PIA": ["PIA+1+123456:SA", "PIA+5+1:BP+2:SA", "PIA+1+:SA"],
    "QTY": ["QTY+21:5:PCE", "QTY+21:1.5", "QTY+12:x:PCE", "QTY+21:7"],
    "PRI": ["PRI+AAA:1", "PRI+AAB:1"],
    "CNT": ["CNT+2:1", "CNT+2:3", "CNT+1:9"],
}


@cache
def planned(lines: tuple[int, ...], rules: tuple[int, ...], folder):
    text = "\n".join(["[narrow]", *(NARROW[n] for n in lines), *(f"[rules.r{n}]\n{RULES[n]}" for n in rules)])
    path = folder / "any.toml"
    path.write_text(HEAD + text + "\n", "utf-8")
    refinement = load_refinement(path)
    assert check_refinement(refinement, [ORDERS]) == []
    made = plan(ORDERS, refinement)
    return made, quick_check(made)


def talk(seed: int, density: float) -> list[str]:
    """A valid message in which what guidelines ask for is said, half said, or said twice."""
    random = Random(seed)
    message = make_message(ORDERS, random, density)
    return [random.choice(SAID[one[:3]]) if one[:3] in SAID and random.random() < 0.7 else one for one in message]


some = st.lists(st.integers(0, len(NARROW) - 1), max_size=4, unique=True).map(sorted).map(tuple)
few = st.lists(st.integers(0, len(RULES) - 1), max_size=3, unique=True).map(sorted).map(tuple)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some, few, st.integers(0, 2**32), st.sampled_from([0.02, 0.05, 0.1, 0.2]))
def test_the_quick_answer_is_yes_exactly_where_the_explanation_finds_nothing(tmp_path, lines, rules, seed, density):
    made, quick = planned(lines, rules, tmp_path)
    tree = check(ORDERS, talk(seed, density), released=True).tree
    if quick is None:
        assert (lines, rules) == ((), ()) or judge(tree, made) == []
        return
    findings = judge(tree, made)
    if quick(tree.positions, tree.segments):
        assert findings == []
    else:
        # A doubt is allowed where the quick way does not look: nesting indicated, and what is asked of a group about
        # the message as a whole.
        beyond = any(":" in segment[3:4] for segment in tree.segments) or any(n == 6 for n in rules)
        assert findings or beyond


@cache
def nordmarkt():
    return refine(ORDERS, load_refinement(GUIDELINE))


mangled = st.tuples(
    st.integers(0, 2**32), st.lists(st.text("ABNLIDTQUSRFGM+:*'123? \x01\x02", max_size=12), max_size=4)
)


@settings(max_examples=150, deadline=None)
@given(mangled, st.sampled_from([0.0, 0.05, 0.2]))
def test_no_message_is_too_mangled_for_a_guideline(case, density):
    seed, more = case
    random = Random(seed)
    message = talk(seed, density) + more
    random.shuffle(message)
    del message[random.randrange(len(message) + 1) :]
    checked = check_refined(nordmarkt(), message, released=True, offsets=range(len(message) + 1))
    for finding in checked.findings:
        assert finding.sentence.endswith(".")
        assert finding.place.segment is None or 1 <= finding.place.segment <= max(len(message), 1)
