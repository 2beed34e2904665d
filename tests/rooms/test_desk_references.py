"""What people type means the same on every database."""

import pytest

from edi_server.desk.actors import NotPossible
from edi_server.desk.references import find, find_row
from edi_server.store import Case, Document, Interchange, Transmission
from edi_server.store.tables import cases


@pytest.fixture
def filled(store):
    """Two documents, of which one has a number that patterns could trip over."""
    transmission = Transmission(
        direction="inbound", mailbox="m", transport="folder", name="a%b.edi", size=1, content_hash="0" * 64
    )
    interchange = Interchange(
        transmission_id=transmission.id, number=1, direction="outbound", syntax="edifact", control_reference="77"
    )
    with store.begin() as work:
        work.transmissions.take(transmission)
        work.interchanges.add(interchange, ())
        for number in ("PO_77%", "po-770"):
            work.documents.add(Document(direction="inbound", type="Order", number=number, partner="p"))
        document = work.documents.newest()[0]
        work.cases.open(Case(subject_kind="document", subject_id=document.id, reason="r", sentence="s"))
    return store


@pytest.mark.parametrize(
    ("reference", "numbers"),
    [("PO_77%", ["PO_77%"]), ("po_77%", ["PO_77%"]), ("po", ["po-770", "PO_77%"]), ("_", ["PO_77%"]), ("77", [])],
)
def test_numbers_are_found_as_written_then_in_part(filled, reference, numbers):
    with filled.read() as work:
        assert [one.number for one in find(work, reference).documents] == numbers


def test_a_control_reference_and_a_file_name_are_found_exactly(filled):
    with filled.read() as work:
        assert [one.control_reference for one in find(work, "77").interchanges] == ["77"]
        assert [one.name for one in find(work, "a%b.edi").transmissions] == ["a%b.edi"]


def test_ids_are_found_by_their_beginning(filled):
    with filled.read() as work:
        document = work.documents.newest()[0]
        [transmission] = work.transmissions.newest()
        [interchange] = work.interchanges.newest()
        [case] = work.cases.newest()
        assert find(work, document.id[:18]).documents[0].id == document.id
        assert find(work, transmission.id.upper()).transmissions == (transmission,)
        assert find(work, interchange.id[:20]).interchanges == (interchange,)
        assert find(work, case.id).documents[0].id == document.id
        assert find_row(work, cases, case.id[:18], "case", "cases") == case.id


@pytest.mark.parametrize("reference", ["", "\0", "\udcff", "x" * 3000, "00000000-", "0" * 36, "%", "\\", "'"])
def test_nonsense_is_nothing(filled, reference):
    with filled.read() as work, pytest.raises(NotPossible):
        find(work, f"{reference} nowhere" if reference == "%" else reference)
    with filled.read() as work, pytest.raises(NotPossible):
        find_row(work, cases, reference, "case", "cases")
