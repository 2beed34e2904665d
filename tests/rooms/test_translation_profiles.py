"""Profiles as authors write them: found, inherited, overridden, and every author error with its place."""

import sys
from pathlib import Path

import pytest

from edi_server.errors import ConfigurationError
from edi_server.guides import known_guides, load_guide
from edi_server.translation import builtin_root, check_profile, load_profile, profile_names, translator_for
from edi_server.translation.paths import PathError, parse_path

ORDERS = load_guide(version="D.96A", message="ORDERS")

SMALL = """\
profile = { document = "Order" }

[codes.kind]
"220" = "standard"
"105" = { is = "standard", read = true }

[document]
number = "BGM.1004"
kind = { at = "BGM.1001", codes = "kind", default = "standard" }
issued_on = { at = "DTM[2005=137]", as = "dtm" }
lines = { each = "LIN", shape = "line" }

[shapes.line]
is = "OrderLine"
number = "LIN.1082"
quantity = { at = "QTY[6063=21].6060", as = "decimal" }
"""


@pytest.fixture
def write(tmp_path):
    """Write profiles into a folder with a blank in its name; the folder."""
    folder = tmp_path / "our profiles"

    def write(text=SMALL, name="edifact/small"):
        path = folder / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return folder

    return write


def small(write, text=SMALL, **options):
    return load_profile("edifact/small", roots=[write(text)], **options)


def problems(write, text, guide=ORDERS):
    return check_profile(small(write, text), [guide])


# -- finding and inheriting


@pytest.mark.parametrize("message", ["ORDERS", "DESADV", "INVOIC"])
@pytest.mark.parametrize("version", known_guides()["ORDERS"])
def test_the_profiles_that_ship_have_no_author_error_for_any_version(message, version):
    name = f"edifact/{message.lower()}"
    assert check_profile(load_profile(name), [load_guide(version=version, message=message)]) == []


def test_an_optional_line_is_left_out_where_the_version_has_no_such_place(write):
    line = '[shapes.line]\ndescriptions = { each = "IMD", shape = "description" }'
    shape = '[shapes.description]\nis = "Description"\nlanguage = '
    text = SMALL.replace("[shapes.line]", line) + shape
    older = load_guide(version="D.93A", message="ORDERS")
    (problem,) = problems(write, text + '"IMD.C273.3453"', older)
    assert problem.sentence.startswith("C273 of IMD has no data element 3453")
    assert problems(write, text + '{ at = "IMD.C273.3453", optional = true }', older) == []
    assert problems(write, text + '{ at = "IMD.C273.3453", optional = true }') == []


def test_profiles_are_found_in_own_folders_before_the_built_in_ones(write):
    folder = write(SMALL, "edifact/orders")
    assert load_profile("edifact/orders", roots=[folder]).checks == ()
    assert load_profile("edifact/orders").checks != ()
    assert {"edifact/orders", "edifact/desadv"} <= set(profile_names())
    assert (builtin_root() / "edifact" / "orders.toml").is_file()


def test_an_unknown_profile_says_where_was_looked(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no profile edifact/ordres.*nowhere"):
        load_profile("edifact/ordres", roots=[tmp_path / "nowhere"])


@pytest.mark.parametrize("name", ["../secrets", "/etc/passwd", "edifact/../../x", ""])
def test_a_name_never_leads_out_of_the_folders(name):
    with pytest.raises(ConfigurationError, match="is not the name of a profile"):
        load_profile(name)


def test_a_file_that_is_not_toml_is_a_configuration_error_with_its_line(write):
    with pytest.raises(ConfigurationError, match=r"small\.toml: is not valid TOML: .*at"):
        small(write, "profile = {")


def test_a_profile_extends_another_line_by_line(write):
    write()
    folder = write(
        'profile = { extends = "edifact/small" }\n[document]\nnumber = { off = true }\ntitle = "BGM.1000"\n'
        '[shapes.line]\nquantity = { at = "QTY[6063=1].6060", as = "decimal" }\n',
        "edifact/ours",
    )
    profile = load_profile("edifact/ours", roots=[folder])
    document = {entry.key: entry for entry in profile.shapes["document"].entries}
    line = {entry.key: entry for entry in profile.shapes["line"].entries}
    assert list(document) == ["kind", "issued_on", "lines", "title"]
    assert str(document["title"].source).endswith("ours.toml:4")
    assert str(document["kind"].source).endswith("small.toml:9")
    assert line["quantity"].reading.at[0].text == "QTY[6063=1].6060"
    assert profile.document == "Order"
    assert check_profile(profile, [ORDERS]) == []


def test_extending_in_a_circle_is_refused(write):
    write('profile = { extends = "edifact/two" }', "edifact/one")
    folder = write('profile = { extends = "edifact/one" }', "edifact/two")
    with pytest.raises(ConfigurationError, match="edifact/one → edifact/two → edifact/one"):
        load_profile("edifact/one", roots=[folder])


def test_the_version_is_that_of_the_content(write):
    first = small(write)
    assert small(write, SMALL.replace("[codes", "# a remark\n\n[codes")).version == first.version
    assert small(write, SMALL.replace("6063=21", "6063=1")).version != first.version
    assert len(first.version) == 12
    number = {"at": "BGM.1056", "why": "a reason"}
    other = {"at": "BGM.1056", "why": "another reason"}
    versions = {small(write, overrides={"document": {"number": one}}).version for one in (number, other)}
    assert len(versions) == 1
    assert first.version not in versions


# -- the agreement's overrides


def test_an_override_replaces_a_line_whole_and_is_explained_with_its_reason(write):
    overrides = {
        "document": {"issued_on": {"at": "DTM[2005=4]", "as": "dtm", "why": "Their 137 is the print date"}},
        "codes": {"kind": {"224": {"is": "rush", "why": "They send 224"}}},
        "shapes": {"line": {"quantity": {"off": True, "why": "Never sent"}}},
    }
    lines = {"document.issued_on": 12, "codes.kind.224": 14, "shapes.line.quantity": 20}
    profile = small(write, overrides=overrides, source="partners/n.toml", lines=lines)
    assert check_profile(profile, [ORDERS]) == []
    explained = {one.key: one for one in translator_for(profile, ORDERS).explain()}
    assert str(explained["document.issued_on"].source) == "partners/n.toml:12"
    assert explained["document.issued_on"].why == "Their 137 is the print date"
    assert explained["document.issued_on"].places == ("DTM[2005=4]",)
    assert "shapes.line.quantity" not in explained
    assert profile.codes["kind"].reading == {"220": "standard", "105": "standard", "224": "rush"}


@pytest.mark.parametrize(
    ("overrides", "key", "sentence"),
    [
        ({"document": {"number": "BGM.1056"}}, "document.number", "says why it differs"),
        ({"document": {"number": {"at": "BGM.1056", "why": " "}}}, "document.number", "says why it differs"),
        ({"document": {"number": {"at": "BGM.1004", "why": "x"}}}, "document.number", "has no effect"),
        ({"document": {"title": {"off": True, "why": "x"}}}, "document.title", "has no effect"),
        ({"codes": {"kind": {"220": {"is": "standard", "why": "x"}}}}, "codes.kind.220", "has no effect"),
        ({"keep": True}, "keep", "says why it differs"),
    ],
)
def test_an_override_needs_its_reason_and_an_effect(write, overrides, key, sentence):
    profile = small(write, overrides=overrides, source="partners/n.toml", lines={key: 7})
    (problem,) = profile.problems
    assert (problem.file, problem.line, problem.key) == ("partners/n.toml", 7, key)
    assert sentence in problem.sentence


# -- author errors: what is changed in the small profile, and what is said about it


ERRORS = [
    # unknown words, with the nearest known one
    ('number = "BGM.1004"', 'nubmer = "BGM.1004"', "document.nubmer", "is not a field of Order", "number"),
    ("default = ", "defautl = ", "document.kind", "is not a key of such a line", "default"),
    ('as = "decimal" }', 'as = "decimale" }', "shapes.line.quantity", "is not a known codec", "decimal"),
    ('shape = "line" }', 'shape = "lime" }', "document.lines", "'lime' is not a shape", "line"),
    ('codes = "kind"', 'codes = "kinds"', "document.kind", "'kinds' is not a code table", "kind"),
    ('is = "OrderLine"', 'is = "OrderLien"', "shapes.line.is", "is not a record", "OrderLine"),
    ('document = "Order"', 'document = "Oder"', "profile.document", "is not a document type", "Order"),
    ('document = "Order"', 'document = "Order", view = "packing"', "profile.view", "is not a view", "packing-levels"),
    ("[codes.kind]", 'checks = ["has_line"]\n[codes.kind]', "checks", "is not a check", "has_lines"),
    ("[codes.kind]", "kepe = true\n[codes.kind]", "kepe", "is not a part of a profile", "keep"),
    ('"220" = "standard"', '"220" = "standart"', "document.kind", "is not a value of kind", "standard"),
    # places that are not there
    ("DTM[2005=137]", "DMT[2005=137]", "document.issued_on", "has no DMT in the message", "DTM"),
    ("QTY[6063=21].6060", "QTY[6063=21].6061", "shapes.line.quantity", "has no data element 6061", None),
    ("QTY[6063=21].6060", "QTY[6064=21].6060", "shapes.line.quantity", "has no data element 6064", "6063"),
    ("QTY[6063=21].6060", "QTY.C187.6060", "shapes.line.quantity", "has no composite C187", "C186"),
    ("QTY[6063=21].6060", "CNT[6069=2].6066", "shapes.line.quantity", "has no CNT inside LIN", None),
    ('number = "BGM.1004"', 'number = "BGM/1004"', "document.number", "is not a step", None),
    ('number = "BGM.1004"', 'number = "BGM[x].1004"', "document.number", "is not a condition", None),
    ('number = "BGM.1004"', 'number = "BGM"', "document.number", "names no data element", None),
    # types
    (
        'as = "decimal" }',
        'as = "dtm" }',
        "shapes.line.quantity",
        "makes when, but quantity holds one decimal",
        "decimal",
    ),
    (', as = "decimal" }', " }", "shapes.line.quantity", "makes text, but quantity holds one decimal", "decimal"),
    ('each = "LIN"', 'within = "LIN"', "document.lines", "write each", None),
    ('lines = { each = "LIN", shape = "line" }', 'lines = "LIN.1082"', "document.lines", "write each and shape", None),
    (', codes = "kind"', "", "document.kind", "say by which codes", None),
    # defaults, conditions, codes
    (', default = "standard"', "", "document.kind", "cannot be absent: write the default", None),
    (
        '"BGM.1004"',
        '{ at = "BGM.1004", default = "none" }',
        "document.number",
        "default is for fields that cannot be",
        None,
    ),
    ('"BGM.1004"', '{ at = "BGM.1004", when = { kind = "rush" } }', "document.number", "which is read later", None),
    (", read = true }", " }", "codes.kind.105", "220 and 105 both mean standard", None),
    # two for one place
    ('number = "BGM.1004"', 'number = "BGM.1004"\ntitle = "BGM.1004"', "document.title", "writes the same place", None),
    (
        "lines = {",
        'dates = { each = "DTM", shape = "date" }\nlines = {',
        "document.dates",
        "may read the same DTM as document.issued_on",
        None,
    ),
    # what must be there
    ('at = "DTM[2005=137]"', 'at = "DTM"', "document.issued_on", "without its mandatory 2005", None),
    ('issued_on = { at = "DTM[2005=137]", as = "dtm" }\n', "", "document", "must have DTM here", None),
]


@pytest.mark.parametrize(("old", "new", "key", "sentence", "nearest"), ERRORS)
def test_an_author_error_is_told_with_file_line_and_nearest_word(write, old, new, key, sentence, nearest):
    text = SMALL.replace(old, new, 1)
    if 'shape = "date"' in text:
        text += '\n[shapes.date]\nis = "Dated"\nkind = "DTM.2005"\nwhen = { at = "DTM", as = "dtm" }\n'
    assert text != SMALL
    found = [one for one in problems(write, text) if sentence in one.sentence]
    assert found, [str(one) for one in problems(write, text)]
    problem = found[0]
    assert problem.key == key
    assert Path(problem.file).name == "small.toml"
    assert problem.line is not None
    if nearest:
        assert problem.nearest == nearest or f"'{nearest}'" in str(problem)


def test_the_line_of_a_problem_is_that_of_its_key(write):
    (problem,) = [
        one for one in problems(write, SMALL.replace("QTY[6063=21].6060", "QTX.6060")) if "QTX" in one.sentence
    ]
    assert (problem.line, problem.nearest) == (16, "QTY")
    assert str(problem).endswith("; did you mean 'QTY'?")


def test_shapes_and_code_tables_that_nothing_uses_are_told(write):
    text = SMALL + '\n[shapes.note]\nis = "Note"\ntext = "FTX.4440"\n[codes.spare]\n"1" = "x"\n'
    found = {one.key: one.sentence for one in problems(write, text)}
    assert found == {"shapes.note": "is used by no line", "codes.spare": "is used by no line"}


def test_a_record_that_cannot_be_made_is_told(write):
    text = SMALL.replace("lines = {", 'notes = { each = "FTX", shape = "note" }\nlines = {')
    text += '\n[shapes.note]\nis = "Note"\nsubject = "FTX.4451"\n'
    assert "a Note needs its text, which no line reads" in [one.sentence for one in problems(write, text)]


def test_stamp_is_refused_for_edifact_with_a_clear_message(write):
    (problem,) = problems(write, SMALL + '\n[stamp]\n"cbc:*Amount / @currencyID" = "currency"\n')
    assert "stamp marks attributes of XML elements" in problem.sentence


def test_a_profile_with_errors_is_not_compiled(write):
    profile = small(write, SMALL.replace("QTY[", "QTX["))
    with pytest.raises(ConfigurationError, match=r"small\.toml:16: shapes\.line\.quantity: .*did you mean 'QTY'"):
        translator_for(profile, ORDERS)


def test_places_that_only_one_version_has_are_listed_in_order(write):
    text = SMALL.replace('"BGM.1004"', '["BGM.C106.1004", "BGM.1004"]')
    for version in ("D.96A", "D.01B"):
        assert problems(write, text, load_guide(version=version, message="ORDERS")) == []


# -- paths


@pytest.mark.parametrize(
    "text",
    [
        "DTM[2005=2|64].2380",
        "PIA[4347=5] / C212[7143=SA].7140",
        "NAD.C080.3036*",
        "summary:MOA[5025=86].5004",
        "!BGM.4343",
    ],
)
def test_paths_parse(text):
    assert parse_path(text).text == text


@pytest.mark.parametrize(
    "text", ["", "dtm", "DTM[", "DTM[2005=]", "DTM[2005=a||b]", "DTM.", "DTM.2", "A/B", "BGM.X.1004"]
)
def test_what_is_not_a_path_says_why(text):
    with pytest.raises(PathError, match=r".+"):
        parse_path(text)


def test_conditions_may_hold_separators_and_dots():
    path = parse_path("RFF[1153=A/B.C].1154")
    assert path.steps[0].conditions[0].values == ("A/B.C",)


# -- safety


NASTY = "'+__import__('os').system('x')+'\"\"\"\\n{}%s\n\t\\"


def test_nothing_in_a_profile_becomes_code(write):
    toml = NASTY.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    text = SMALL.replace('"220" = "standard"', f'"220" = "standard"\n"{toml}" = "rush"')
    text = text.replace(
        'number = "BGM.1004"', 'number = "BGM.1004"\ntitle = { at = "BGM.C002.1000", codes = "t", open = true }'
    )
    text += f'\n[codes.t]\n"{toml}" = "{toml}"\n[constants]\n"BGM.4343" = "{toml}"\n'
    profile = small(write, text)
    assert check_profile(profile, [ORDERS]) == []
    translator = translator_for(profile, ORDERS)
    from edi_server.canonical import Order
    from edi_server.guides import check

    before = set(sys.modules)
    written = translator.write(Order(number="1", title=NASTY))
    tree = check(ORDERS, ["UNH+1+ORDERS:D:96A:UN", *written.segments, "UNT+1+1"], released=True).tree
    translator.read(tree)
    assert "'" not in "".join(written.segments).replace("\x03", "")
    assert set(sys.modules) == before
