"""The book of partners: what a partner file may say, and which agreement a message finds."""

from __future__ import annotations

import re
import time
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edi_server.envelope.model import Identity
from edi_server.errors import ConfigurationError
from edi_server.guides import load_guide
from edi_server.guides.refinement import check_refinement, load_refinement
from edi_server.located import lines_of
from edi_server.partners import (
    Agreement,
    Book,
    Company,
    Parties,
    Unmatched,
    X12Separators,
    clauses,
    digest_of,
    file_name,
    identity_of,
    matches,
)
from edi_server.partners.model import Terms
from edi_server.syntax.separators import Separators

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OUR_GLN = "4099999000005"
COMPANIES = {"main": Company(name="main", identities=(Identity(id=OUR_GLN, qualifier="14"),), erp="sandbox")}
NORTH = """
display_name = "North Market"
identities = ["14:4012345000009", "NORTH"]
time_zone = "Europe/Berlin"

[acknowledgments]
contrl = "always"

[agreements.orders-in]
direction = "inbound"
message = "ORDERS"
versions = ["D.96A", "D.01B"]
document = "Order"
profile = "edifact/orders"
state = "live"

[agreements.despatch-out]
direction = "outbound"
message = "DESADV"
versions = ["D.96A"]
document = "DespatchAdvice"
state = "live"
schedule = { cron = "*/15 6-20 * * MON-FRI" }
acknowledgments = { expected_within = "PT4H" }
[agreements.despatch-out.profile]
extends = "edifact/desadv"
[agreements.despatch-out.profile.document]
deliver_on = { at = "DTM[2005=69]", as = "dtm", why = "They read 69, handbook 3.2" }
"""
SOUTH = """
identities = ["14:4098765000001"]
mailbox = "south-as2"
[agreements.orders-in]
direction = "inbound"
message = "ORDERS"
versions = ["D.96A"]
document = "Order"
profile = "edifact/orders"
state = "live"
test = true
"""


def book_of(folder: Path, **files: str) -> Book:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return Book.load(folder, COMPANIES)


def problems_of(folder: Path, **files: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        book_of(folder, **files)
    return str(caught.value)


def ask(book: Book, **changes: object) -> Agreement | Unmatched:
    question: dict[str, object] = {
        "mailbox": "north",
        "sender": Identity(id="4012345000009", qualifier="14"),
        "recipient": Identity(id=OUR_GLN, qualifier="14"),
        "message": "ORDERS",
        "version": "D.96A",
        "test": False,
    }
    return book.agreement_for(**question | changes)  # type: ignore[arg-type]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return book_of(tmp_path, north=NORTH, south=SOUTH)


def test_a_message_finds_the_agreement_of_its_mailbox_sender_recipient_type_version_and_lane(book: Book) -> None:
    found = ask(book)
    assert isinstance(found, Agreement)
    assert found.id == "north/orders-in"
    assert found.own.name == found.company == "main"
    assert found.erp == "sandbox"
    assert found.time_zone == "Europe/Berlin"
    assert ask(book, version="D.01B") == found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mailbox": "nobody"}, "unknown-mailbox"),
        ({"sender": Identity(id="4000000000006", qualifier="14")}, "unknown-sender"),
        ({"sender": Identity(id="4098765000001", qualifier="14")}, "sender-of-other-mailbox"),
        ({"recipient": Identity(id="4000000000006", qualifier="14")}, "unknown-recipient"),
        ({"message": "INVOIC"}, "no-agreement"),
        ({"message": "DESADV"}, "no-agreement"),
        ({"version": "D.93A"}, "version-not-agreed"),
        ({"test": True}, "lane-not-agreed"),
        ({"mailbox": "south-as2", "sender": Identity(id="4098765000001", qualifier="14")}, "lane-not-agreed"),
    ],
)
def test_a_message_that_fits_no_agreement_says_why(book: Book, changes: dict[str, object], reason: str) -> None:
    found = ask(book, **changes)
    assert isinstance(found, Unmatched)
    assert found.reason == reason
    assert found.finding.code == f"partner.{reason}"
    assert found.finding.severity == "error"


def test_only_the_owner_of_the_mailbox_may_hear_about_a_foreign_sender(book: Book) -> None:
    foreign = ask(book, sender=Identity(id="4098765000001", qualifier="14"))
    nobody = ask(book, mailbox="nobody")
    assert isinstance(foreign, Unmatched)
    assert isinstance(nobody, Unmatched)
    assert foreign.owner == book.partners["north"]
    assert nobody.owner is None


def test_parties_are_known_before_any_message_is(book: Book) -> None:
    parties = book.parties_of(
        mailbox="north", sender=Identity(id="NORTH", qualifier="ZZ"), recipient=Identity(id=OUR_GLN, routing="X")
    )
    assert isinstance(parties, Parties)
    assert (parties.partner.name, parties.company.name) == ("north", "main")


def test_a_paused_agreement_holds_its_messages_and_a_draft_is_not_there(tmp_path: Path) -> None:
    paused = ask(book_of(tmp_path, north=NORTH.replace('"live"', '"paused"', 1)))
    assert isinstance(paused, Unmatched)
    assert paused.reason == "agreement-paused"
    assert paused.agreement is not None
    draft = ask(book_of(tmp_path, north=NORTH.replace('"live"', '"draft"', 1)))
    assert isinstance(draft, Unmatched)
    assert draft.reason == "no-agreement"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("14:4012345000009", "14:4012345000009", True),
        ("14:4012345000009", "4012345000009", True),
        ("14:4012345000009", "ZZ:4012345000009", False),
        ("ACME", "acme", False),
        ("14:4012345000009:WEST", "14:4012345000009:EAST", True),
    ],
)
def test_identities_match_by_id_and_by_qualifier_where_both_state_one(one: str, other: str, same: bool) -> None:
    assert matches(identity_of(one), identity_of(other)) is same
    assert matches(identity_of(other), identity_of(one)) is same


def test_an_agreement_inherits_what_the_partner_agreed_for_everything(book: Book) -> None:
    orders, despatch = book.agreement("north/orders-in"), book.agreement("north/despatch-out")
    assert orders is not None
    assert despatch is not None
    assert orders.acknowledgments.contrl == "always"
    assert orders.acknowledgments.expected_within is None
    assert despatch.acknowledgments.contrl == "always"
    assert despatch.acknowledgments.expected_within == timedelta(hours=4)


def test_profile_overrides_are_handed_on_raw_with_their_lines(book: Book) -> None:
    despatch = book.agreement("north/despatch-out")
    assert despatch is not None
    assert despatch.profile_name == "edifact/desadv"
    assert despatch.profile_overrides["document"]["deliver_on"]["at"] == "DTM[2005=69]"
    assert "extends" not in despatch.profile_overrides
    line = despatch.profile_lines["document.deliver_on"]
    assert NORTH.splitlines()[line - 1].startswith("deliver_on =")
    assert Path(despatch.file).name == "north.toml"


def test_outbound_agreements_are_found_by_document_and_by_schedule(book: Book) -> None:
    despatch = book.agreement("north/despatch-out")
    assert book.outbound(partner="north", company="main", document="DespatchAdvice") == despatch
    assert book.outbound(partner="south", company="main", document="DespatchAdvice") is None
    assert book.scheduled() == (despatch,)
    assert despatch is not None
    assert despatch.schedule is not None
    assert despatch.schedule.time_zone == "Europe/Berlin"


def test_the_erp_knows_a_partner_by_its_gln_unless_the_file_says_otherwise(tmp_path: Path, book: Book) -> None:
    assert book.partners["north"].erp_reference == "4012345000009"
    no_gln = SOUTH.replace("14:4098765000001", "ZZ:SOUTH")
    assert book_of(tmp_path, south=no_gln).partners["south"].erp_reference == "SOUTH"
    named = 'erp_reference = "C-17"\n' + SOUTH
    assert book_of(tmp_path, south=named).partners["south"].erp_reference == "C-17"


def test_control_references_are_counted_per_pair_of_identities(book: Book) -> None:
    one, other = book.agreement("north/orders-in"), book.agreement("north/despatch-out")
    assert one is not None
    assert other is not None
    assert one.interchange_counter == other.interchange_counter == f"14:{OUR_GLN} > 14:4012345000009"


def test_names_of_outbound_files_follow_the_pattern_and_fit_a_folder(book: Book) -> None:
    despatch = book.agreement("north/despatch-out")
    assert despatch is not None
    name = despatch.file_name(control_reference="17/B", document_number="D1", message="DESADV", now=NOW)
    assert name == "DESADV_17_B.edi"
    hidden = file_name(
        "{document_number}", partner="p", message="m", control_reference="c", document_number="..\n", now=NOW
    )
    assert hidden == "_"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("message =", "mesage =", "agreements.orders-in.mesage: unknown key; did you mean 'message'?"),
        ('"inbound"', '"inwards"', "agreements.orders-in.direction: "),
        ('versions = ["D.96A", "D.01B"]', 'versions = "D.96A"', "agreements.orders-in.versions: "),
        ('versions = ["D.96A", "D.01B"]', "versions = []", "agreements.orders-in.versions: needs at least one"),
        ('document = "Order"', 'document = "Ordr"', "did you mean 'Order'?"),
        ("Europe/Berlin", "Europe/Nowhere", "time_zone: 'Europe/Nowhere' is no time zone"),
        ("*/15 6-20", "*/15 6-25", "agreements.despatch-out.schedule.cron: '*/15 6-25 * * MON-FRI' is not a cron"),
        ("[acknowledgments]", "[acknowledgements]", "did you mean 'acknowledgments'?"),
        ('extends = "edifact/desadv"', "", "agreements.despatch-out.profile.extends: must name the base profile"),
        ('"14:4012345000009", "NORTH"', "", "identities: needs at least one"),
        ('state = "live"', 'company = "mein"', "agreements.orders-in.company: no company 'mein'; did you mean 'main'?"),
        ('state = "live"', 'own_identity = "14:1"', "agreements.orders-in.own_identity: '14:1' is none of"),
        ('state = "live"', 'schedule = { cron = "* * * * *" }', "only outbound agreements have a schedule"),
        ('state = "live"', 'writing = { charset = "UNOZ" }', "agreements.orders-in.writing.charset: 'UNOZ'"),
        (
            'state = "live"',
            'writing = { separators = { element = ":" } }',
            "writing.separators: cannot be used: ':' is both",
        ),
        ('state = "live"', 'writing = { file_name = "{partner}" }', "needs {control_reference} or {document_number}"),
        ('state = "live"', 'writing = { file_name = "{document_no}" }', "did you mean 'document_number'?"),
        ('state = "live"', "control_numbers = { interchange = { low = 9, high = 2 } }", "9 to 2 holds no number"),
        ('state = "live"', "control_numbers = { interchange = { width = 15 } }", "15 digits, the standard allows 14"),
        ('state = "live"', "policies = { duplicate_window_days = -1 }", "cannot be negative"),
        ('"14:4012345000009", "NORTH"', '"14:"', "identities[0]: '14:' is no identity"),
        ('"14:4012345000009", "NORTH"', "14", "identities[0]: must be text, not a number"),
        ('display_name = "North Market"', 'mailbox = "../elsewhere"', "cannot be the name of a folder"),
    ],
)
def test_a_wrong_partner_file_says_where_and_what_would_be_right(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in NORTH
    text = problems_of(tmp_path, north=NORTH.replace(old, new, 1))
    assert said in text
    assert "north.toml" in text


def test_a_wrong_key_is_named_with_its_line(tmp_path: Path) -> None:
    text = NORTH.replace("message =", "mesage =", 1)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if one.startswith("mesage"))
    assert f"north.toml:{line}: agreements.orders-in.mesage" in problems_of(tmp_path, north=text)


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    said = problems_of(tmp_path, north=NORTH.replace("time_zone", "timezone"), south="identities = 7", west="x = [")
    assert "did you mean 'time_zone'?" in said
    assert "south.toml:1: identities" in said
    assert "west.toml: is not valid TOML" in said


@pytest.mark.parametrize("key", ["password", "sftp_password", "api_key", "private-key", "secret", "token"])
def test_a_secret_in_a_partner_file_is_refused(tmp_path: Path, key: str) -> None:
    said = problems_of(tmp_path, north=NORTH + f'{key} = "hunter2"\n')
    assert "secrets never stand in partner files" in said
    assert "hunter2" not in said


def test_two_agreements_that_fit_the_same_message_are_refused(tmp_path: Path) -> None:
    block = NORTH[NORTH.index("[agreements.orders-in]") : NORTH.index("[agreements.despatch-out]")]
    twice = NORTH + block.replace("orders-in", "orders-again")
    assert "agreements.orders-again: fits the same messages as 'orders-in'" in problems_of(tmp_path, north=twice)
    assert book_of(tmp_path, north=twice.replace('"live"', '"draft"', 1))
    other_version = block.replace("orders-in", "orders-again").replace('"D.96A", "D.01B"', '"D.97A"')
    assert book_of(tmp_path, north=NORTH + other_version)
    test_lane = block.replace("orders-in", "orders-again") + "test = true\n"
    assert book_of(tmp_path, north=NORTH + test_lane)


def test_agreements_narrowed_to_different_identities_do_not_fit_the_same_message(tmp_path: Path) -> None:
    block = NORTH[NORTH.index("[agreements.orders-in]") : NORTH.index("[agreements.despatch-out]")]
    narrowed = NORTH.replace('message = "ORDERS"', 'message = "ORDERS"\npartner_identity = "NORTH"')
    other = block.replace("orders-in", "orders-again") + 'partner_identity = "14:4012345000009"\n'
    book = book_of(tmp_path, north=narrowed + other)
    found = [ask(book), ask(book, sender=Identity(id="NORTH"))]
    assert [one.id for one in found if isinstance(one, Agreement)] == ["north/orders-again", "north/orders-in"]


TWO = {
    "main": Company(name="main", identities=(identity_of(f"14:{OUR_GLN}"), identity_of("MAIN")), erp="sandbox"),
    "west": Company(name="west", identities=(identity_of("14:4000000000006"),), erp="sandbox"),
}


def test_each_company_has_agreements_of_its_own(tmp_path: Path) -> None:
    block = NORTH[NORTH.index("[agreements.orders-in]") : NORTH.index("[agreements.despatch-out]")]
    text = NORTH.replace("direction =", 'company = "main"\ndirection =')
    text += block.replace("orders-in", "orders-west").replace("direction =", 'company = "west"\ndirection =')
    (tmp_path / "north.toml").write_text(text, encoding="utf-8")
    book = Book.load(tmp_path, TWO)
    found = [ask(book), ask(book, recipient=identity_of("14:4000000000006"))]
    assert [one.id for one in found if isinstance(one, Agreement)] == ["north/orders-in", "north/orders-west"]
    assert book.outbound(partner="north", company="main", document="DespatchAdvice") is not None
    assert book.outbound(partner="north", company="west", document="DespatchAdvice") is None


def test_agreements_narrowed_to_different_identities_of_ours_do_not_collide(tmp_path: Path) -> None:
    block = NORTH[NORTH.index("[agreements.orders-in]") : NORTH.index("[agreements.despatch-out]")]
    text = NORTH.replace('message = "ORDERS"', f'message = "ORDERS"\nown_identity = "14:{OUR_GLN}"')
    text += block.replace("orders-in", "orders-again") + 'own_identity = "MAIN"\n'
    text = text.replace("direction =", 'company = "main"\ndirection =')
    (tmp_path / "north.toml").write_text(text, encoding="utf-8")
    found = ask(Book.load(tmp_path, TWO), recipient=identity_of("MAIN"))
    assert isinstance(found, Agreement)
    assert (found.id, str(found.own_written)) == ("north/orders-again", "MAIN")


def test_what_goes_out_goes_in_its_lane_and_only_while_the_agreement_is_at_work(tmp_path: Path) -> None:
    def outbound(*, test: bool) -> Agreement | None:
        return book.outbound(partner="north", company="main", document="DespatchAdvice", test=test)

    head, tail = NORTH.split("[agreements.despatch-out]", 1)
    for state, at_work in (("draft", False), ("testing", True), ("live", True), ("paused", False)):
        text = head + "[agreements.despatch-out]" + tail.replace('"live"', f'"{state}"', 1)
        book = book_of(tmp_path, north=text)
        assert (outbound(test=False) is not None) is at_work, state
        assert bool(book.scheduled()) is at_work, state
    book = book_of(tmp_path, north=f"{head}[agreements.despatch-out]\ntest = true{tail}")
    assert outbound(test=False) is None
    assert outbound(test=True) is not None


def test_a_mailbox_or_an_identity_has_one_owner(tmp_path: Path) -> None:
    assert "share the mailbox 'north'" in problems_of(tmp_path, north=NORTH, south=SOUTH.replace("south-as2", "north"))
    same_id = SOUTH.replace("14:4098765000001", "4012345000009")
    assert "share the identity '14:4012345000009'" in problems_of(tmp_path, north=NORTH, south=same_id)
    ours = SOUTH.replace("4098765000001", OUR_GLN)
    assert "which is our own" in problems_of(tmp_path, north=NORTH, south=ours)


def test_a_book_of_many_partners_is_asked_quickly(tmp_path: Path) -> None:
    for number in range(300):
        text = NORTH.replace("4012345000009", f"{number:013}").replace('"NORTH"', f'"N{number}"')
        (tmp_path / f"p{number}.toml").write_text(text, encoding="utf-8")
    book = Book.load(tmp_path, COMPANIES)
    started = time.process_time()
    for number in range(300):
        found = ask(book, mailbox=f"p{number}", sender=Identity(id=f"{number:013}", qualifier="14"))
        assert isinstance(found, Agreement)
        assert found.id == f"p{number}/orders-in"
    assert time.process_time() - started < 0.5


def test_the_same_counter_with_two_ranges_is_refused(tmp_path: Path) -> None:
    text = NORTH + "\n[agreements.orders-in.control_numbers]\ninterchange = { high = 99 }\n"
    assert "counts the same control references with another range" in problems_of(tmp_path, north=text)


def test_the_same_counter_of_groups_with_two_ranges_is_refused(tmp_path: Path) -> None:
    text = ACME.replace("{ message = { width = 9 } }", "{ group = { high = 9 } }").replace(
        'own_identity = "ZZ:OURSELVES"\n', ""
    )
    with pytest.raises(ConfigurationError, match=r"control_numbers\.group: 'acme/orders-in' counts the same"):
        load_acme(tmp_path, text)
    apart = text.replace("{ high = 9 }", '{ high = 9, scope = "agreement" }')
    assert len(load_acme(tmp_path, apart).agreements) == 2


def test_companies_need_identities_of_their_own() -> None:
    with pytest.raises(ConfigurationError, match=r"companies\.b\.identities: '1' is also an identity of company 'a'"):
        Book.load(
            Path("absent"), {"a": Company(identities=(identity_of("1"),)), "b": Company(identities=(identity_of("1"),))}
        )
    with pytest.raises(ConfigurationError, match=r"companies\.a\.identities: needs at least one"):
        Book.load(Path("absent"), {"a": Company(identities=())})


def test_loading_again_gives_a_new_book_and_another_digest_only_after_a_change(tmp_path: Path) -> None:
    first = book_of(tmp_path, north=NORTH)
    assert digest_of(tmp_path, COMPANIES) == first.digest
    assert Book.load(tmp_path, COMPANIES).digest == first.digest
    second = book_of(tmp_path, north=NORTH + "# changed\n")
    assert second.digest != first.digest


def test_no_folder_is_an_empty_book(tmp_path: Path) -> None:
    assert Book.load(tmp_path / "absent", COMPANIES).partners == {}


def test_every_key_of_a_toml_text_knows_its_line() -> None:
    text = (
        "a = 1\n"
        '"b c".d = """x\n'
        "[not.a.table]\n"
        'y"""\n'
        "# [comment]\n"
        "[t.u]\n"
        "list = [\n"
        "  { k = '=[' },\n"
        "  2.5,\n"
        "]\n"
        "inline = { p = { q = 1 } }\n"
        "[[rows]]\n"
        "n = 1\n"
        "[[rows]]\n"
        "n = 2\n"
        "[rows.sub]\n"
        "s = 1979-05-27T07:32:00Z\n"
    )
    assert tomllib.loads(text)
    lines = lines_of(text)
    assert lines["a",] == 1
    assert lines["b c", "d"] == 2
    assert ("not", "a", "table") not in lines
    assert lines["t", "u"] == 6
    assert lines["t", "u", "list", 0, "k"] == 8
    assert lines["t", "u", "list", 1] == 9
    assert lines["t", "u", "inline", "p", "q"] == 11
    assert (lines["rows", 0, "n"], lines["rows", 1, "n"], lines["rows", 1, "sub", "s"]) == (13, 15, 17)


ROOT = Path(__file__).parents[2]
TOML_FILES = [
    ROOT / "pyproject.toml",
    *sorted((ROOT / "translations").rglob("*.toml")),
    *sorted(ROOT.glob("partners/**/*.toml")),
]


@pytest.mark.parametrize("file", TOML_FILES, ids=lambda file: file.name)
def test_the_keys_of_every_toml_file_of_the_project_are_where_they_are_said_to_be(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines, rows = lines_of(text), text.splitlines()

    def walk(value: object, path: tuple[str | int, ...]) -> None:
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in pairs:
            where = (*path, key)
            if where in lines:
                row = rows[lines[where] - 1]
                assert isinstance(key, int) or key in row, where
            else:
                assert isinstance(inner, dict), f"{where} has no line"  # a table that only its subtables name
            walk(inner, where)

    walk(tomllib.loads(text), ())


# X12, and what else can be agreed

ACME = """
identities = ["ZZ:ACME           ", "01:123456789"]
[acknowledgments]
functional = { kind = "999" }
[writing.x12]
version = "00501"
[control_numbers.group]
high = 99999
at_end = "stop"
[agreements.orders-in]
direction = "inbound"
message = "850"
versions = ["004010"]
document = "Order"
profile = "x12/850"
state = "live"
policies = { depth = "structure", severities = { "envelope.isa-*" = "off" }, interchange = "keep", on_error = "interchange" }
[agreements.despatch-out]
direction = "outbound"
message = "856"
versions = ["004010"]
document = "DespatchAdvice"
profile = "x12/856"
state = "live"
own_identity = "ZZ:OURSELVES"
partner_group_identity = "ACME-DC"
batch = { most = 50 }
acknowledgments = { application_expected_within = "P2D", application = { kind = "824", when = "always" } }
control_numbers = { message = { width = 9 } }
writing = { association = "VICS", x12 = { separators = { component = ":" } } }
"""
AMERICANS = {"main": Company(name="main", identities=(Identity(id="OURSELVES", qualifier="ZZ"),), erp="sandbox")}


def load_acme(folder: Path, text: str = ACME) -> Book:
    (folder / "acme.toml").write_text(text, "utf-8")
    return Book.load(folder, AMERICANS)


def test_an_agreement_about_x12_has_its_own_way_of_writing(tmp_path: Path) -> None:
    agreement = load_acme(tmp_path).agreement("acme/despatch-out")
    assert agreement is not None
    assert agreement.syntax == "x12"
    assert agreement.separators == X12Separators(component=":")
    assert (agreement.separators.element, agreement.separators.release) == ("*", " ")
    assert (agreement.writing.x12.version, agreement.group_version) == ("00501", "004010VICS")
    assert (str(agreement.own_group_written), str(agreement.partner_group_written)) == ("ZZ:OURSELVES", "ACME-DC")
    assert agreement.control_widths == (9, 0, 9)
    assert (agreement.control_numbers.group.at_end, agreement.control_numbers.interchange.at_end) == (
        "stop",
        "start_again",
    )
    assert agreement.batch.most == 50


def test_acknowledgments_of_both_syntaxes_read_as_one(tmp_path: Path) -> None:
    book = load_acme(tmp_path)
    first, second = (book.agreement(f"acme/{key}").acknowledgments for key in ("orders-in", "despatch-out"))
    assert (first.functional.kind, first.functional.when, first.ta1) == ("999", "always", "requested")
    assert (first.application.kind, first.application.when) == ("none", "errors")
    assert (second.functional.kind, second.application.kind, second.application.when) == ("999", "824", "always")
    assert (second.expected_within, second.application_expected_within) == (None, timedelta(days=2))


def test_what_edifact_agreements_said_before_means_the_same(book: Book) -> None:
    agreement = book.agreement("north/despatch-out")
    assert agreement is not None
    assert agreement.syntax == "edifact"
    assert agreement.separators == Separators()
    assert agreement.control_widths == (0, 0, 0)
    assert (agreement.policies.depth, agreement.policies.interchange, agreement.policies.on_error) == (
        "full",
        "split",
        "message",
    )
    assert (agreement.batch.most, agreement.guideline, agreement.guideline_file) == (1, "", "")


def test_an_interchange_of_x12_finds_its_agreement_though_blanks_fill_its_ids(tmp_path: Path) -> None:
    found = load_acme(tmp_path).agreement_for(
        mailbox="acme",
        sender=Identity(id="ACME", qualifier="ZZ"),
        recipient=Identity(id="OURSELVES      ", qualifier="ZZ"),
        message="850",
        version="004010",
        test=False,
    )
    assert isinstance(found, Agreement)
    assert found.id == "acme/orders-in"
    assert found.policies.severities == {"envelope.isa-*": "off"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'message = "850"',
            'message = "805"',
            "agreements.orders-in.message: there is no guide for '805' in X12; did you mean",
        ),
        ('message = "850"', 'message = "ORDERS"', "there is no guide for 'ORDERS' in X12"),
        ('["004010"]', '["4010"]', "'4010' is no version of EDIFACT; EDIFACT versions look like D.96A"),
        ('["004010"]', '["004010", "D.96A"]', "versions[0]: '004010' is no version of EDIFACT"),
        ('state = "live"', 'state = "live"\nsyntax = "edifact"', "'004010' is no version of EDIFACT"),
        ('state = "live"', 'state = "live"\nsyntax = "x21"', "syntax: Invalid enum value 'x21'; one of edifact, x12"),
        ('"structure"', '"deep"', "policies.depth: Invalid enum value 'deep'; one of full, structure, envelope"),
        ('"off"', '"of"', "severities.\"envelope.isa-*\": Invalid enum value 'of'; one of note, warning, error, off"),
        ('"envelope.isa-*"', '"*isa*"', "neither a code of a finding nor the beginning of one"),
        ("most = 50", "most = 0", "batch.most: must be at least 1"),
        ("high = 99999", "high = 9999999999", "control_numbers.group: takes 10 digits, the standard allows 9"),
        ('"stop"', '"halt"', "at_end: Invalid enum value 'halt'; one of start_again, stop"),
        ('kind = "824"', 'kind = "aperak"', "application.kind: 'aperak' does not exist in X12; there it is '824'"),
        ('"P2D"', '"PT0S"', "application_expected_within: must be longer than nothing"),
        ('"00501"', '"501"', "writing.x12.version: '501' is no interchange version (ISA12)"),
        ('component = ":"', 'component = "*"', "writing.x12.separators: cannot be used"),
        ('component = ":"', 'release = "?"', "x12.separators.release: X12 has no release character"),
        ('component = ":"', 'componet = ":"', "unknown key; did you mean 'component'?"),
        ('"ACME-DC"', '"A"', "partner_group_identity: 'A' is not 2 to 15 characters long (GS02, GS03)"),
        ('"ZZ:ACME           "', '"ACME"', "partner_identity: 'ACME' does not fit into an ISA"),
        ('state = "live"', 'state = "live"\nguideline = "acme"', "there is no guideline 'acme'"),
        ('state = "live"', 'state = "live"\nguideline = "../acme"', "'../acme' cannot be the name of a guideline"),
    ],
)
def test_what_cannot_be_agreed_about_x12_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in ACME
    with pytest.raises(ConfigurationError) as error:
        load_acme(tmp_path, ACME.replace(old, new, 1))
    assert said in str(error.value)
    assert str(tmp_path / "acme.toml") in str(error.value)


@pytest.mark.parametrize(
    ("guideline", "said"),
    [
        ("", ""),
        ('[narrow]\n"RFG" = "mandatory"\n', "cannot be used: "),
        ('[guideline]\nversions = ["D.01B"]\n', "'shop' is for ORDERS D.01B, not for ORDERS D.96A"),
    ],
)
def test_an_agreement_names_a_guideline_that_fits(tmp_path: Path, guideline: str, said: str) -> None:
    text = NORTH.replace('["D.96A", "D.01B"]', '["D.96A"]').replace(
        "[agreements.despatch-out]", 'guideline = "shop"\n[agreements.despatch-out]', 1
    )
    (tmp_path / "north.toml").write_text(text, "utf-8")
    (tmp_path / "guidelines").mkdir()
    head = '[guideline]\nmessage = "ORDERS"\nversions = ["D.96A"]\n'
    head = (
        guideline.replace("versions", 'message = "ORDERS"\nversions')
        if "[guideline]" in guideline
        else head + guideline
    )
    (tmp_path / "guidelines" / "shop.toml").write_text(head, "utf-8")
    if said:
        with pytest.raises(ConfigurationError, match=re.escape(said)):
            Book.load(tmp_path, COMPANIES)
        return
    agreement = Book.load(tmp_path, COMPANIES).agreement("north/orders-in")
    assert agreement is not None
    assert agreement.guideline_file == str(tmp_path / "guidelines" / "shop.toml")
    before = digest_of(tmp_path, COMPANIES)
    (tmp_path / "guidelines" / "shop.toml").write_text(head + "# changed\n", "utf-8")
    assert digest_of(tmp_path, COMPANIES) != before


def example(page: str, name: str) -> str:
    blocks = re.findall(
        r"^```toml\n(# partners/.*?)^```", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    [block] = [block for block in blocks if block.startswith(f"# partners/{name}")]
    return block


def test_the_example_of_the_page_about_partner_files_loads(tmp_path: Path) -> None:
    (tmp_path / "guidelines").mkdir()
    guideline = '[guideline]\nmessage = "850"\nversions = ["004010"]\n'
    (tmp_path / "guidelines" / "acme-850.toml").write_text(guideline, "utf-8")
    (tmp_path / "acme.toml").write_text(example("partners.md", "acme.toml"), "utf-8")
    ours = {"main": Company(name="main", identities=(Identity(id="LINDENHOF", qualifier="ZZ"),), erp="sandbox")}
    assert [one.key for one in Book.load(tmp_path, ours).agreements] == ["orders-in", "despatch-out"]


def test_the_example_of_the_page_about_guidelines_has_no_problems(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(example("refinements.md", "guidelines/shop-orders.toml"), "utf-8")
    refinement = load_refinement(tmp_path / "shop.toml")
    assert check_refinement(refinement, [load_guide(message="ORDERS", version="D.96A")]) == []


CLAUSES = [one for one in vars(clauses).values() if isinstance(one, type) and issubclass(one, clauses.Clause)]


@pytest.mark.parametrize("clause", [Terms, *CLAUSES], ids=lambda one: one.__name__)
def test_every_key_of_a_partner_file_stands_in_the_page(clause: type[clauses.Clause]) -> None:
    page = (ROOT / "docs" / "partners.md").read_text("utf-8")
    words = set(re.findall(r"`(?:x12\.)?([a-z0-9_]+)`", page)) | set(re.findall(r"\b([a-z_0-9]+) =", page))
    own = set(clause.__struct_fields__) - set(Separators.__struct_fields__) - {"cron"}
    assert own - {"policies", "writing", "acknowledgments", "control_numbers"} <= words
