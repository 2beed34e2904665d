"""The receive and post lanes without a daemon: what partners may send that nobody expects."""

import io
import re
import shutil
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from edi_server.acknowledgments import Policy
from edi_server.config import Configuration
from edi_server.engine import corridor as corridor_room
from edi_server.engine import finishing
from edi_server.engine.corridor import Corridor
from edi_server.engine.hearing import Hearing
from edi_server.engine.inbound import iter_outbound, open_transmission
from edi_server.engine.outbound import advise_deliveries
from edi_server.engine.posting import Posting, erp_key
from edi_server.engine.sending import Written, request_for
from edi_server.engine.staging import draft_all
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import Identity, InterchangeHeader, MessageHeader, MessageRead
from edi_server.erp.port import Posted
from edi_server.errors import ConfigurationError, ErpError
from edi_server.findings import Finding
from edi_server.samples import SAMPLES
from edi_server.store import Document, Interchange, Store, Transmission

ROOT = Path(__file__).parents[2]
OURS, NORDMARKT = b"9521141000007:14", b"9521234000006:14"


class Books:
    """An ERP that takes everything, and counts."""

    def __init__(self):
        self.orders = {}

    def post_orders(self, orders):
        answers = []
        for item in orders:
            existed = item.key in self.orders
            self.orders.setdefault(item.key, item.order)
            number = list(self.orders).index(item.key) + 1
            answers.append(
                Posted(key=item.key, record_id=number, record_name=f"S{number}", existed=existed, confirmed=False)
            )
        return answers


class Plant:
    """Store and corridor, worked by hand, one step at a time."""

    def __init__(self, corridor):
        self.corridor, self.store, self.erp = corridor, corridor.store, Books()
        corridor._erps["sandbox", 0] = self.erp

    def receive(self, content, mailbox="nordmarkt", parent=None):
        """Take and open; the transmission as it is then."""
        archived = self.store.archive.put(content)
        taken = Transmission(
            direction="inbound",
            partner=mailbox,
            mailbox=mailbox,
            transport="folder",
            name="a.edi",
            size=archived.size,
            content_hash=archived.hash,
            parent_id=parent,
        )
        with self.store.begin() as work:
            work.transmissions.take(taken)
        open_transmission(self.corridor, taken.id)
        with self.store.read() as work:
            return work.transmissions.get(taken.id)

    def documents(self, transmission):
        with self.store.read() as work:
            return work.documents.of(transmission=transmission.id)

    def interchange(self, transmission):
        with self.store.read() as work:
            [found] = work.interchanges.of(transmission.id)
            return found

    def answers(self, transmission):
        """The bytes of what was answered."""
        with self.store.read() as work:
            sent = [work.transmissions.get(one) for one in iter_outbound(work, transmission.id)]
        return [self.store.archive.open(one.content_hash).read() for one in sent]

    def post(self, transmission):
        return Posting(self.corridor).post([one.id for one in self.documents(transmission)])

    def reasons(self):
        with self.store.read() as work:
            return sorted(case.reason for case in work.cases.newest())


@pytest.fixture
def plant(tmp_path, database_url):
    folder = tmp_path / "a plant"
    shutil.copytree(ROOT / "partners", folder / "partners")
    (folder / "edi-server.toml").write_text("")
    corridor = Corridor(Configuration.load(folder / "edi-server.toml", {"EDI_SERVER_DATABASE__URL": database_url}))
    yield Plant(corridor)
    corridor.store.close()


def sample(**changes):
    """Our clean order with some bytes exchanged."""
    [found] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    content = found.content
    for old, new in changes.values():
        assert old in content, old
        content = content.replace(old, new)
    return content


def contrl(action=b"7", sender=NORDMARKT, to=NORDMARKT):
    """A CONTRL about the first interchange that we sent to `to`."""
    return (b"UNB+UNOC:3+%b+%b+261123:1200+K1'UNH+77+CONTRL:D:3:UN'UCI+1+%b+%b+%b'UNT+3+77'UNZ+1+K1'") % (
        sender,
        OURS,
        OURS,
        to,
        action,
    )


def test_a_contrl_that_says_nothing_is_not_acknowledged(plant):
    assert plant.answers(plant.receive(contrl(action=b"8"))) == []


def test_a_contrl_that_comes_twice_is_not_acknowledged(plant):
    plant.receive(contrl())
    assert plant.answers(plant.receive(contrl())) == []


def test_a_contrl_from_a_stranger_is_not_acknowledged(plant):
    assert plant.answers(plant.receive(contrl(sender=b"9520000000000:14"))) == []


def test_a_contrl_with_faults_is_not_acknowledged(plant):
    content = contrl().replace(b"'UNT", b"'XXX+1'UNT").replace(b"UNT+3", b"UNT+4")
    assert plant.answers(plant.receive(content)) == []


def grouped(count=b"1"):
    return sample(
        unh=(b"UNH+1+", b"UNG+ORDERS+A+B+261123:0915+G1+UN+D:96A'UNH+1+"),
        unz=(b"UNZ+1+", b"UNE+" + count + b"+G1'UNZ+1+"),
    )


def test_a_group_is_posted(plant):
    plant.post(plant.receive(grouped()))
    assert len(plant.erp.orders) == 1


def test_nothing_of_a_rejected_group_is_posted(plant):
    one = plant.receive(grouped(b"7"))
    plant.post(one)
    assert any(b"UCF+G1+A+B+4+29+UNE" in answer for answer in plant.answers(one))
    assert plant.erp.orders == {}
    [document] = plant.documents(one)
    assert (document.validation, document.acknowledgment) == ("invalid", "rejected")
    assert plant.reasons() == ["group-rejected"]


def test_messages_with_one_reference_keep_outcomes_of_their_own(plant):
    content = sample()
    at, end = content.index(b"UNH+1"), content.index(b"UNZ+1")
    wrong = content[at:end].replace(b"4500012345", b"4500012346").replace(b"QTY+21:48:PCE", b"QTY+21:many:PCE")
    one = plant.receive(content[:end] + wrong + b"UNZ+2+NM000101'")
    assert [document.validation for document in plant.documents(one)] == ["valid", "invalid"]
    assert plant.documents(one)[0].acknowledgment in ("accepted", "accepted with errors")
    assert plant.documents(one)[1].acknowledgment == "rejected"


@pytest.mark.parametrize("identifier", [b"UNOX:3", b"ABCD:9", b":3", b"UNO?+:3", b"UNOW:4", b"UNOC", b"UNOC:33"])
def test_an_interchange_in_any_character_set_comes_to_an_end(plant, identifier):
    one = plant.receive(sample(unb=(b"UNB+UNOC:3", b"UNB+" + identifier)))
    assert one.result == "taken"
    assert len(plant.answers(one)) == 1


@pytest.mark.parametrize("sender", [b":14", b"", b"?'?+:14", b"\x019:14", b"9521234000006:14:?'?:\xff", b"9" * 3000])
def test_an_interchange_from_any_sender_comes_to_an_end(plant, sender):
    one = plant.receive(sample(unb=(b"+9521234000006:14+", b"+" + sender + b"+")))
    assert one.result in ("taken", "unknown sender")
    assert plant.answers(one) or plant.reasons()


@pytest.mark.parametrize(
    "reference", [b"", b" ", b"?'?+", b"X" * 15, b"X" * 4000, b"\xe4", b"/../../x", b"\x00", b".."]
)
def test_an_interchange_of_any_reference_comes_to_an_end(plant, reference):
    one = plant.receive(sample(reference=(b"NM000101", reference)))
    assert one.result == "taken"
    assert plant.answers(one) or "cannot-be-acknowledged" in plant.reasons()


@pytest.mark.parametrize("number", [b"?'", b"0?+1", b"\xe4\xf6", b"A|B\\", b"A" * 35, b"\x01", b"A" * 3000, b""])
def test_an_order_of_any_number_is_posted_or_seen_by_somebody(plant, number):
    one = plant.receive(sample(number=(b"BGM+220+4500012345+9'", b"BGM+220+" + number + b"+9'")))
    plant.post(one)
    [document] = plant.documents(one)
    assert document.delivery == "delivered" or plant.reasons()


def test_blanks_make_no_number_and_no_other_number(plant):
    unnumbered = plant.receive(sample(number=(b"BGM+220+4500012345+9'", b"BGM+220+ +9'"), ref=(b"NM000101", b"N1")))
    [document] = plant.documents(unnumbered)
    assert (document.validation, document.number) == ("invalid", None)
    plant.post(plant.receive(sample()))
    padded = plant.receive(
        sample(number=(b"BGM+220+4500012345+9'", b"BGM+220+4500012345 +9'"), ref=(b"NM000101", b"N2"))
    )
    plant.post(padded)
    assert len(plant.erp.orders) == 1
    assert plant.reasons() == ["invalid", "number-used-before"]


def change(plant, partner, *changes):
    """Another state of a partner file."""
    file = Path(plant.corridor.configuration.settings.paths.partners) / f"{partner}.toml"
    text = file.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)
    assert plant.corridor.reload_book()


def test_an_order_that_was_tried_out_may_be_placed_for_real(plant):
    folder = Path(plant.corridor.configuration.settings.paths.partners)
    partner = (folder / "nordmarkt.toml").read_text()
    live = partner[partner.index("[agreements.orders-in]") : partner.index("[agreements.despatch-out]")]
    trial = live.replace("orders-in", "orders-test").replace('state = "live"', 'state = "live"\ntest = true')
    change(plant, "nordmarkt", (live, live + trial))
    tried = plant.receive(
        sample(unb=(b"NM000101++ORDERS++1'", b"NM1++ORDERS++1++1'"), unz=(b"UNZ+1+NM000101", b"UNZ+1+NM1"))
    )
    plant.post(tried)
    placed = plant.receive(sample())
    plant.post(placed)
    assert [plant.documents(one)[0].erp_record_name for one in (tried, placed)] == ["S1", "S2"]


def park(plant, transmission):
    """Post with an ERP that stays away; whether it took the order is for the caller to say."""

    class Away:
        def post_orders(self, _orders):
            raise ErpError("no answer", permanent=False)

    plant.corridor._erps["sandbox", 0] = Away()
    with pytest.raises(ErpError):
        plant.post(transmission)
    Posting(plant.corridor).give_up([one.id for one in plant.documents(transmission)], "no answer")
    plant.corridor._erps["sandbox", 0] = plant.erp


IGNORE_DATE = (
    "[agreements.orders-in.profile.computed]",
    """[agreements.orders-in.profile.document]
deliver_on = { off = true, why = "not wanted" }
[agreements.orders-in.profile.computed]""",
)


def test_a_parked_order_that_is_read_otherwise_by_a_reprocess_is_posted(plant):
    one = plant.receive(sample())
    park(plant, one)
    change(plant, "nordmarkt", IGNORE_DATE)
    again = plant.receive(sample(), parent=one.id)
    plant.post(again)
    plant.post(one)
    assert plant.documents(again)[0].delivery == "delivered"
    assert [order.deliver_on for order in plant.erp.orders.values()] == [None]
    assert plant.reasons() == []


def test_an_order_that_the_erp_had_before_the_reprocess_is_compared_by_somebody(plant):
    one = plant.receive(sample())
    park(plant, one)
    plant.erp.orders[erp_key(plant.documents(one)[0].business_key)] = None  # the answer was lost, not the order
    change(plant, "nordmarkt", IGNORE_DATE)
    again = plant.receive(sample(), parent=one.id)
    plant.post(again)
    assert plant.documents(again)[0].delivery == "delivered"
    assert plant.reasons() == ["posted-before-reprocess"]


def test_a_reprocess_settles_the_cases_of_what_it_takes_the_place_of(plant):
    wrong = sample(quantity=(b"QTY+21:48:PCE", b"QTY+21:many:PCE"))
    one = plant.receive(wrong)
    plant.receive(wrong, parent=one.id)
    with plant.store.read() as work:
        cases = work.cases.newest(in_states=["open", "fixed"])
    assert [case.state for case in cases] == ["open", "fixed"]


def test_a_partner_cannot_acknowledge_what_was_sent_to_another(plant):
    folder = Path(plant.corridor.configuration.settings.paths.partners)
    partner = (folder / "nordmarkt.toml").read_text()
    (folder / "beta.toml").write_text(partner.replace('"14:9521234000006"', '"ZZ:777"'))
    (folder / "alpha.toml").write_text(partner.replace('"14:9521234000006"', '"14:777"'))
    assert plant.corridor.reload_book()
    assert plant.answers(plant.receive(sample(unb=(b"+9521234000006:14+", b"+777:ZZ+")), "beta"))
    plant.receive(contrl(action=b"4+18", sender=b"777:14", to=b"777"), "alpha")
    with plant.store.read() as work:
        [sent] = work.interchanges.newest(direction="outbound")
    assert (sent.partner, sent.acknowledgment) == ("beta", "none")
    assert plant.reasons() == ["acknowledges-nothing"]


def test_an_agreement_that_was_paused_sends_nothing(plant):
    folder = Path(plant.corridor.configuration.settings.paths.partners)
    partner = (folder / "nordmarkt.toml").read_text()
    out = partner[partner.index("[agreements.despatch-out]") :]
    change(plant, "nordmarkt", (out, out.replace('state = "live"', 'state = "paused"')))
    asked = []
    plant.erp.deliveries_done = lambda *question: asked.append(question) or []
    assert advise_deliveries(plant.corridor, "nordmarkt/despatch-out") == []
    assert asked == []


def test_a_profile_is_never_that_of_an_agreement_as_it_was(plant):
    before = plant.corridor.agreement("nordmarkt/orders-in")
    change(plant, "nordmarkt", IGNORE_DATE)
    after = plant.corridor.agreement("nordmarkt/orders-in")
    assert plant.corridor.profile(before).version != plant.corridor.profile(after).version


def test_a_file_of_many_interchanges_needs_few_locks(postgresql_url, tmp_path):
    header = InterchangeHeader(
        syntax="edifact", charset="UNOC", syntax_version="3", sender=Identity(id="1"), recipient=Identity(id="2")
    )
    locks = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
    with Store.open(postgresql_url, tmp_path) as store, store.begin() as work:
        for number in range(1, 4):
            named = msgspec.structs.replace(header, control_reference=str(number))
            one = Interchange.opened(named, transmission_id="t", number=number, direction="inbound")
            work.interchanges.find_same_reference(one, within=timedelta(days=30))
            work.interchanges.find_same_content(one, str(number), within=timedelta(days=30))
        assert work.connection.execute(locks).scalar() == 1


# What is measured: memory and locks


def many(count, *, per_interchange=None, wrong=()):
    """A file of small orders; those of the numbers in `wrong` have a quantity that is none."""
    per_interchange = per_interchange or count
    files = []
    for first in range(0, count, per_interchange):
        reference = b"R%d" % first
        messages = b"".join(
            small(number, at + 1, wrong) for at, number in enumerate(range(first, first + per_interchange))
        )
        head = b"UNB+UNOC:3+%b+%b+261123:0915+%b++ORDERS++1'" % (NORDMARKT, OURS, reference)
        files.append(b"%b%bUNZ+%d+%b'" % (head, messages, per_interchange, reference))
    return b"".join(files)


def small(number, reference, wrong=()):
    body = [
        b"UNH+%d+ORDERS:D:96A:UN:EAN008" % reference,
        b"BGM+220+%d+9" % (4500000000 + number),
        b"DTM+137:20261123:102",
        b"DTM+2:20261130:102",
        b"NAD+BY+9521234000006::9",
        b"CTA+PD",
        b"NAD+SU+9521141000007::9",
        b"NAD+DP+9521234000105::9",
        b"LIN+1++4012345000016:EN",
        b"IMD+F++:::Bolts",
        b"QTY+21:%b:PCE" % (b"many" if number in wrong else b"5"),
        b"PRI+AAA:1",
        b"UNS+S",
    ]
    return b"'".join([*body, b"UNT+%d+%d'" % (len(body) + 1, reference)])


def test_what_is_kept_of_a_message_until_the_answer_is_little():
    """No more than a header without its segment, texts that most headers share once, and no notes."""
    event = next(one for one in open_edifact(io.BytesIO(sample())) if isinstance(one, MessageRead))
    note = Finding(code="guide.some-note", severity="note", sentence="It is said so.")
    error = Finding(code="guide.segment-missing", severity="error", sentence="It is missing.")
    hearing = Hearing(
        InterchangeHeader(
            syntax="edifact",
            charset="UNOC",
            syntax_version="3",
            control_reference="1",
            sender=Identity(id="1"),
            recipient=Identity(id="2"),
        )
    )
    for at in range(2):
        copy = msgspec.structs.replace(event, header=msgspec.convert(msgspec.to_builtins(event.header), MessageHeader))
        hearing.take_message(str(at), copy, (note, error), None)
    kept = [one.subject for one in hearing.verdict((), Policy()).every_message()]
    assert [(one.header.segment, one.findings) for one in kept] == [("", (error,))] * 2
    assert kept[0].header.type is kept[1].header.type
    assert kept[0].header.reference == event.header.reference


def test_no_file_is_synced_while_others_wait_for_the_database(plant, monkeypatch):
    inside, synced = [], []
    begin, put = Store.begin, plant.store.archive.put

    @contextmanager
    def begun(store):
        with begin(store) as work:
            inside.append(work)
            yield work
            inside.pop()

    monkeypatch.setattr(Store, "begin", begun)
    monkeypatch.setattr(plant.store.archive, "put", lambda content: synced.append(bool(inside)) or put(content))
    one = plant.receive(many(6, per_interchange=2))
    assert len(plant.answers(one)) == 3
    assert synced == [False] * 4


def test_a_number_that_somebody_else_takes_meanwhile_is_not_used_twice(plant, monkeypatch):
    draft_all = finishing.draft_all

    def slowly(store, requests):
        drafts = draft_all(store, requests)
        with store.begin() as work:
            envelope = requests[0].envelope
            work.control_numbers.next_control_number(f"{envelope.counter}/interchange", high=999_999_999)
        return drafts

    monkeypatch.setattr(finishing, "draft_all", slowly)
    answers = plant.answers(plant.receive(many(2, per_interchange=1)))
    assert [re.search(rb"UNZ\+1\+(\d+)", answer)[1] for answer in answers] == [b"2", b"3"]
    assert [re.search(rb"UCI\+(R\d)", answer)[1] for answer in answers] == [b"R0", b"R1"]


class PowerCutError(Exception):
    """The end of a process, in a test."""


@pytest.mark.parametrize("dying_at", range(1, 13))
def test_a_crash_between_the_units_of_work_of_a_finish_is_survived(plant, monkeypatch, dying_at):
    monkeypatch.setattr(finishing, "INTERCHANGES", 1)
    monkeypatch.setattr(finishing, "MESSAGES", 2)
    content = many(9, per_interchange=3, wrong=(4,)).replace(b"UNZ+3+R6", b"UNZ+7+R6")
    begin, left = Store.begin, [dying_at + 5]  # the first ones take, read and write

    @contextmanager
    def until_death(store):
        left[0] -= 1
        if left[0] < 0:
            raise PowerCutError
        with begin(store) as work:
            yield work

    monkeypatch.setattr(Store, "begin", until_death)
    with pytest.raises(PowerCutError):
        plant.receive(content)
    monkeypatch.setattr(Store, "begin", begin)
    with plant.store.read() as work:
        [taken] = work.transmissions.newest(direction="inbound")
        assert taken.result is None
        assert work.transmissions.newest(direction="outbound") == []
    open_transmission(plant.corridor, taken.id)
    with plant.store.read() as work:
        outcomes = [(one.result, one.acknowledgment) for one in work.interchanges.of(taken.id)]
    assert outcomes == [(one, one) for one in ("accepted", "partially accepted", "rejected")]
    documents = plant.documents(taken)
    assert [one.acknowledgment for one in documents] == [
        *["accepted"] * 4,
        "rejected",
        "accepted",
        *["rejected"] * 3,
    ]
    assert [one.validation for one in documents[6:]] == ["invalid"] * 3
    assert [re.search(rb"UNZ\+1\+(\d+)", answer)[1] for answer in plant.answers(taken)] == [b"1", b"2", b"3"]
    assert plant.reasons() == ["interchange-rejected", "invalid"]


# What is seen by somebody


def test_segments_between_interchanges_are_seen_by_somebody_and_settled_by_a_reprocess(plant):
    content = sample() + b"BGM+220+1+9'LIN+1'" + many(1)
    one = plant.receive(content)
    assert one.result == "taken"
    assert len(plant.documents(one)) == 2
    assert plant.reasons() == ["debris"]
    plant.receive(content, parent=one.id)
    with plant.store.read() as work:
        states = [(case.reason, case.state) for case in work.cases.newest(in_states=["open", "fixed"])]
    assert states == [("debris", "open"), ("debris", "fixed")]


def test_an_interchange_without_a_message_is_seen_by_somebody_once(plant):
    content = b"UNB+UNOC:3+%b+%b+261123:0915+R1++ORDERS++1'UNZ+0+R1'" % (NORDMARKT, OURS)
    plant.receive(content)
    assert plant.reasons() == ["empty"]
    assert plant.receive(content).result == "duplicate"
    assert plant.reasons() == ["empty"]


def test_a_reprocess_that_ends_the_same_way_carries_the_acknowledgment_over(plant):
    content = many(3, wrong=(1,))
    one = plant.receive(content)
    again = plant.receive(content, parent=one.id)
    assert len(plant.answers(one)) == 1
    assert plant.answers(again) == []
    assert plant.interchange(again).acknowledgment == "partially accepted"
    assert [document.acknowledgment for document in plant.documents(again)] == ["accepted", "rejected", "accepted"]


def test_a_reprocess_that_rejects_another_message_is_answered_again(plant, monkeypatch):
    content = many(2, wrong=(0,))
    one = plant.receive(content)
    outcomes = Hearing.outcomes
    monkeypatch.setattr(
        Hearing,
        "outcomes",
        lambda *arguments: dict(zip(known := outcomes(*arguments), reversed(known.values()), strict=True)),
    )
    again = plant.receive(content, parent=one.id)
    assert len(plant.answers(again)) == 1
    assert [document.acknowledgment for document in plant.documents(again)] == ["accepted", "rejected"]


def answered(plant):
    """An interchange of ours that waits for its answer: here, one of our own answers stands in."""
    plant.receive(sample())
    with plant.store.read() as work:
        [sent] = work.interchanges.newest(direction="outbound")
    return sent


def acknowledgment_of(plant, interchange):
    with plant.store.read() as work:
        kept = work.acknowledgments.newest(direction="received")
        shown = [event.what for event in work.timeline.of(interchange.subject)]
        return work.interchanges.get(interchange.id).acknowledgment, kept, shown


def test_an_acknowledgment_in_a_rejected_interchange_is_kept_and_changes_nothing(plant):
    sent = answered(plant)
    plant.receive(contrl(action=b"4+18").replace(b"UNZ+1", b"UNZ+5"))
    state, kept, shown = acknowledgment_of(plant, sent)
    assert state == "none"
    assert [(one.outcome, one.about_interchange_id) for one in kept] == [("rejected", None)]
    assert shown == ["acknowledgment not counted"]
    assert plant.reasons() == ["interchange-rejected"]


def test_an_acknowledgment_in_a_duplicate_is_kept_and_changes_nothing(plant):
    sent = answered(plant)
    plant.receive(contrl())
    plant.receive(contrl(action=b"4+18"))
    state, kept, shown = acknowledgment_of(plant, sent)
    assert state == "accepted"
    assert sorted(one.outcome for one in kept) == ["accepted", "rejected"]
    assert shown == ["acknowledgment", "acknowledgment not counted"]
    assert plant.reasons() == []


# Profiles, writing, posting


def test_an_edited_profile_is_noticed_and_a_wrong_one_leaves_the_last_good_state(plant, monkeypatch):
    monkeypatch.setattr(corridor_room, "LOOK_SECONDS", 0.0)
    file = Path(plant.corridor.configuration.settings.paths.translations) / "edifact" / "orders.toml"
    file.parent.mkdir(parents=True)
    text = (ROOT / "translations" / "edifact" / "orders.toml").read_text()
    file.write_text(text)
    agreement = plant.corridor.agreement("nordmarkt/orders-in")
    first = plant.corridor.profile(agreement)
    assert plant.corridor.profile(agreement) is first
    file.write_text(text.replace('"YB1" = "cross_dock"', '"YB9" = "cross_dock"') + "\n")
    changed = plant.corridor.profile(agreement)
    assert changed.version != first.version
    file.write_text("this is no TOML")
    assert plant.corridor.profile(agreement) is changed
    file.write_text(text)
    assert plant.corridor.profile(agreement).version == first.version


def test_lower_case_is_written_where_it_was_agreed(plant):
    change(plant, "nordmarkt", ("writing = { ", "writing = { lower_case = true, "))
    body = ["BGM+351+abc+9"]
    agreement = plant.corridor.agreement("nordmarkt/despatch-out")
    written = Written(
        header=MessageHeader(type="DESADV", version="D", release="96A", agency="UN"), body=body, findings=()
    )
    document = Document(direction="outbound", type="DespatchAdvice")
    request = request_for(agreement, document, written)
    header = msgspec.structs.replace(request.envelope.header, charset="UNOA")
    request = msgspec.structs.replace(request, envelope=msgspec.structs.replace(request.envelope, header=header))
    [draft] = draft_all(plant.store, [request]).values()
    assert b"BGM+351+abc+9'" in plant.store.archive.open(draft.content_hash).read()
    assert draft.findings == ()


def test_a_mailbox_is_on_the_transport_that_one_place_says(plant, monkeypatch):
    monkeypatch.setattr(Corridor, "kind_of", lambda _corridor, mailbox: f"pigeon for {mailbox}")
    one = plant.receive(sample())
    with plant.store.read() as work:
        [answer] = [work.transmissions.get(each) for each in iter_outbound(work, one.id)]
    assert answer.transport == "pigeon for nordmarkt"
    with pytest.raises(ConfigurationError, match="delivered by the daemon only"):
        plant.corridor.transport(answer.transport)


def test_a_document_of_a_removed_agreement_is_parked_alone(plant):
    one = plant.receive(many(3))
    orphan = plant.documents(one)[1]
    with plant.store.begin() as work:
        work.connection.execute(
            text("UPDATE documents SET agreement = 'nordmarkt/gone' WHERE id = :id"), {"id": orphan.id}
        )
    afterwards = plant.post(one)
    assert [document.delivery for document in plant.documents(one)] == ["delivered", "failed", "delivered"]
    [stuck] = afterwards.stuck
    assert stuck.document_id == orphan.id
    assert "There is no agreement nordmarkt/gone" in stuck.error


def test_a_parked_document_holds_back_its_own_reference_only(plant):
    """Orders have references of their own today, so two of three are given one here."""
    one = plant.receive(many(3))
    parked, same, other = plant.documents(one)
    with plant.store.begin() as work:
        work.connection.execute(
            text("UPDATE documents SET reference = :reference WHERE id = :id"),
            {"id": same.id, "reference": parked.reference},
        )

    class Away:
        def post_orders(self, _orders):
            raise ErpError("no answer", permanent=False)

    plant.corridor._erps["sandbox", 0] = Away()
    posting = Posting(plant.corridor)
    with pytest.raises(ErpError):
        posting.post([parked.id])
    posting.give_up([parked.id], "no answer")
    plant.corridor._erps["sandbox", 0] = plant.erp
    assert posting.post([same.id, other.id]).released == ()
    assert [document.delivery for document in plant.documents(one)] == ["failed", "pending", "delivered"]
    assert posting.post([parked.id]).released == (same.id,)
    assert posting.post([same.id]).released == ()
    assert [document.delivery for document in plant.documents(one)] == ["delivered"] * 3
