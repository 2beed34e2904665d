"""What partners answer to X12 of ours: several kinds, in any order, spelled as they like."""

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from edi_server.config import Configuration
from edi_server.engine.corridor import Corridor
from edi_server.engine.inbound import open_transmission
from edi_server.engine.sending import Prepared, Written, send_all
from edi_server.envelope.model import MessageHeader
from edi_server.store import Document, Transmission, business_key

ROOT = Path(__file__).parents[2]
INVOICES, NOTICES = "prairie/invoices-out", "prairie/despatch-out"
PRAIRIE = """
display_name = "Prairie Foods"
identities = ["ZZ:PRAIRIE"]

[agreements.invoices-out]
direction = "outbound"
message = "810"
versions = ["004010"]
document = "Invoice"
profile = "x12/810"
state = "live"
batch = { most = 10 }
control_numbers = { group = { scope = "agreement", high = 2 } }

[agreements.despatch-out]
direction = "outbound"
message = "856"
versions = ["004010"]
document = "DespatchAdvice"
profile = "x12/856"
state = "live"
control_numbers = { group = { scope = "agreement" } }
"""
ISA = b"ISA*00*          *00*          *ZZ*PRAIRIE        *14*9521141000007  *261123*0915*U*00401*%09d*0*P*>~"
GS = b"GS*%b*PRAIRIE*9521141000007*20261123*0915*%d*X*004010~"


class Plant:
    """Store and corridor, worked by hand."""

    def __init__(self, corridor):
        self.corridor, self.store, self._numbers = corridor, corridor.store, count(101)

    def send(self, *numbers, agreement=INVOICES):
        """Send documents of these numbers; how many interchanges left."""
        agreed = self.corridor.agreement(agreement)
        staged = send_all(self.corridor, agreed, [_prepared(agreed, number) for number in numbers])
        with self.store.begin() as work:
            for one in staged:
                [interchange] = work.interchanges.of(one)
                work.interchanges.mark_waiting(interchange.id, due_at=datetime.now(UTC) + timedelta(hours=4))
        return len(staged)

    def hear(self, *bodies, kind=b"997", ta1=b""):
        """Take an interchange with these bodies of 997s or 824s, or with a TA1."""
        number, group = next(self._numbers), b"AG" if kind == b"824" else b"FA"
        messages = [
            b"ST*%b*%04d~%b~SE*%d*%04d~" % (kind, at, body, body.count(b"~") + 3, at)
            for at, body in enumerate(bodies, 1)
        ]
        inside = b"".join([GS % (group, number), *messages, b"GE*%d*%d~" % (len(messages), number)]) if bodies else b""
        content = ISA % number + ta1 + inside + b"IEA*%d*%09d~" % (bool(bodies), number)
        archived = self.store.archive.put(content)
        taken = Transmission(
            direction="inbound",
            partner="prairie",
            mailbox="prairie",
            transport="folder",
            name="fa.edi",
            size=archived.size,
            content_hash=archived.hash,
        )
        with self.store.begin() as work:
            work.transmissions.take(taken)
        open_transmission(self.corridor, taken.id)

    def states(self):
        """The acknowledgment of each document by its number."""
        with self.store.read() as work:
            return {one.number: one.acknowledgment for one in work.documents.newest(direction="outbound")}

    def cases(self):
        with self.store.read() as work:
            return {case.reason: case.sentence for case in work.cases.newest()}


def _prepared(agreement, number):
    content = number.encode()
    document = Document(
        direction="outbound",
        company=agreement.company,
        partner="prairie",
        agreement=agreement.id,
        type=agreement.document,
        number=number,
        business_key=business_key(agreement.company, "prairie", agreement.document, number, test=False),
        reference=number,
        content=content,
        content_hash=hashlib.sha256(content).hexdigest(),
        erp=agreement.erp,
        erp_record_name=number,
        validation="valid",
    )
    header = MessageHeader(type=agreement.message, version="004010", agency="X")
    body = [f"BIG+20261123+{number}", "TDS+100"]
    return Prepared(document=document, written=Written(header=header, body=body, findings=()))


@pytest.fixture
def plant(tmp_path, sqlite_url):
    folder = tmp_path / "a plant"
    shutil.copytree(ROOT / "partners", folder / "partners")
    (folder / "partners" / "prairie.toml").write_text(PRAIRIE)
    (folder / "edi-server.toml").write_text("")
    corridor = Corridor(Configuration.load(folder / "edi-server.toml", {"EDI_SERVER_DATABASE__URL": sqlite_url}))
    yield Plant(corridor)
    corridor.store.close()


def test_a_997_names_some_messages_of_a_batch_and_the_others_share_what_it_says_of_the_group(plant):
    assert plant.send("A", "B", "C") == 1
    plant.hear(b"AK1*IN*1~AK2*810*0002~AK5*R*5~AK9*P*3*3*2")
    assert plant.states() == {"A": "accepted", "B": "rejected", "C": "accepted"}


def test_what_is_known_of_a_batch_is_left_out_of_the_next(plant):
    assert plant.send("A", "B") == plant.send("B", "C") == 1
    assert plant.send("A", "B", "C") == 0
    plant.hear(b"AK1*IN*2~AK9*R*1*1*0*5")
    assert plant.states() == {"A": "waiting", "B": "waiting", "C": "rejected"}


def test_numbers_come_back_without_their_leading_zeros(plant):
    plant.send("A", "B")
    plant.hear(b"AK1*IN*01~AK2*810*2~AK5*R*5~AK9*P*2*2*1")
    assert plant.states() == {"A": "accepted", "B": "rejected"}
    plant.hear(b"AK1*IN*1~AK2*810*0002~AK5*A~AK9*A*2*2*2")
    assert plant.states() == {"A": "accepted", "B": "rejected"}
    assert "acknowledgment-contradicts" in plant.cases()


def test_a_ta1_without_leading_zeros_is_about_our_interchange(plant):
    plant.send("A")
    plant.hear(ta1=b"TA1*1*261123*0915*R*014~")
    assert plant.states() == {"A": "rejected"}
    assert set(plant.cases()) == {"acknowledged-rejected"}


def test_a_ta1_that_refuses_what_a_997_accepted_is_a_question_for_somebody(plant):
    plant.send("A")
    plant.hear(b"AK1*IN*1~AK9*A*1*1*1")
    plant.hear(ta1=b"TA1*000000001*261123*0915*R*014~")
    assert plant.states() == {"A": "accepted"}
    assert set(plant.cases()) == {"acknowledgment-contradicts"}


def test_a_997_that_comes_behind_an_824_does_not_accept_what_that_refused(plant):
    plant.send("A")
    plant.hear(b"BGN*11*1*20261123~OTI*TR*IV*A~TED*012*bad", kind=b"824")
    plant.hear(b"AK1*IN*1~AK9*A*1*1*1")
    assert plant.states() == {"A": "rejected"}


def test_one_824_speaks_of_documents_of_several_interchanges(plant):
    assert [plant.send("A"), plant.send("B"), plant.send("C")] == [1, 1, 1]
    plant.hear(
        b"BGN*11*1*20261123~OTI*TR*IV*A~TED*012*no such price~OTI*TA*IV*B~OTI*TR*IV*X",
        kind=b"824",
    )
    assert plant.states() == {"A": "rejected", "B": "accepted", "C": "waiting"}
    cases = plant.cases()
    assert "no such price" in cases["acknowledged-rejected"]
    assert "document X" in cases["acknowledges-nothing"]


def test_groups_of_two_kinds_with_one_number_are_told_apart(plant):
    plant.send("A")
    plant.send("B", agreement=NOTICES)
    plant.hear(b"AK1*IN*1~AK9*R*1*1*0*5")
    assert plant.states() == {"A": "rejected", "B": "waiting"}
    plant.hear(b"AK1*SH*1~AK9*A*1*1*1")
    assert plant.states() == {"A": "rejected", "B": "accepted"}


def test_several_997s_in_one_interchange_reach_the_interchange_that_each_is_about(plant):
    plant.send("A")
    plant.send("B")
    plant.hear(b"AK1*IN*1~AK9*A*1*1*1", b"AK1*IN*2~AK9*R*1*1*0*5")
    assert plant.states() == {"A": "accepted", "B": "rejected"}


def test_where_group_numbers_began_anew_a_997_is_about_the_one_that_nobody_answered(plant):
    for number in "ABC":
        plant.send(number)
    plant.hear(b"AK1*IN*1~AK9*A*1*1*1")
    plant.hear(b"AK1*IN*1~AK9*R*1*1*0*5")
    assert plant.states() == {"A": "rejected", "B": "waiting", "C": "accepted"}
