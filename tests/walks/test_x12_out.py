"""X12 on its way out: deliveries become 856s in groups, batched as agreed, and 997s of the partner come back for them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from walks.test_x12 import rows

from edi_server.engine.acknowledged import UNADVISED, open_unadvised

PRAIRIE = """
display_name = "Prairie Foods Inc."
identities = ["ZZ:PRAIRIE"]
erp_reference = "9521234000006"
time_zone = "America/Chicago"

[acknowledgments]
expected_within = "PT4H"

[agreements.despatch-out]
direction = "outbound"
message = "856"
versions = ["004010"]
document = "DespatchAdvice"
state = "live"
batch = { most = MOST }

[agreements.despatch-out.profile]
extends = "x12/856"

[agreements.despatch-out.profile.shapes.level]
unit = { at = "SN1.03", codes = "unit", open = true, why = "Their units have two letters" }
ordered_unit = { at = "SN1.06", codes = "unit", open = true, why = "Their units have two letters" }

[agreements.despatch-out.profile.codes.unit]
"EA" = { is = "PCE", why = "A piece" }
"CT" = { is = "CT", why = "A carton" }
"KG" = { is = "KGM", why = "Kilogram" }
"""


def put_partner(plant, most=1):
    """Prairie takes Nordmarkt's place as the customer whose deliveries are advised."""
    (plant.folder / "partners" / "prairie.toml").write_text(PRAIRIE.replace("MOST", str(most)))
    plant.until(lambda: "prairie" in plant.corridor.book.partners)


def deliver(plant):
    """Two orders come in and leave the warehouse."""
    for name in ("order-4500012345.edi", "orders-2026-11-23.edi"):
        plant.drop_sample(name)
        plant.settle()
    delivered = [name for order in plant.sandbox.orders() for name in plant.sandbox.validate_delivery(order.name)]
    plant.daemon.work.advise("prairie/despatch-out", run="now")
    plant.settle()
    return delivered


def answer(plant, *segments, control=b"000000501"):
    head = b"ISA*00*          *00*          *ZZ*PRAIRIE        *14*9521141000007  *261124*0915*U*00401*%s*0*P*>~"
    body = b"GS*FA*PRAIRIE*9521141000007*20261124*0915*%d*X*004010~ST*997*0001~" % int(control)
    said = b"".join(segments)
    tail = b"SE*%d*0001~GE*1*%d~IEA*1*%s~" % (said.count(b"~") + 2, int(control), control)
    plant.drop("prairie", f"{control.decode()}.edi", head % control + body + said + tail)
    plant.settle()


@pytest.mark.parametrize("most", [1, 3])
def test_deliveries_leave_as_856_in_as_many_interchanges_as_agreed_and_997s_come_back(plant, most):
    put_partner(plant, most)
    delivered = deliver(plant)
    files = [content for name, content in plant.outbox("prairie").items() if name.startswith("856")]
    assert len(delivered) == 4
    assert len(files) == -(-4 // most)
    assert [int(re.search(rb"ISA.{87}(\d{9})", content)[1]) for content in files] == list(range(1, len(files) + 1))
    assert sum(content.count(b"~ST*856*") for content in files) == 4
    assert all(content.count(b"~GS*SH*9521141000007*PRAIRIE*") == 1 for content in files)
    documents = rows(plant, "documents", direction="outbound", partner="prairie")
    assert {one.number for one in documents} == set(delivered)
    assert {one.acknowledgment for one in documents} == {"waiting"}
    first = int(re.search(rb"~GS\*SH\*[^*]*\*[^*]*\*\d*\*\d*\*(\d+)", files[0])[1])
    count = files[0].count(b"~ST*856*")
    named = b"".join(b"AK2*856*%04d~AK5*A~" % (at + 1) for at in range(count))
    answer(plant, b"AK1*SH*%d~" % first, named, b"AK9*A*%d*%d*%d~" % (count, count, count))
    states = [one.acknowledgment for one in rows(plant, "interchanges", direction="outbound", partner="prairie")]
    assert states == ["accepted", *["waiting"] * (len(files) - 1)]


def test_a_997_that_rejects_one_message_reaches_that_document_and_a_person(plant):
    put_partner(plant, 4)
    deliver(plant)
    named = (b"AK2*856*0001~AK5*A~", b"AK2*856*0002~AK3*HL*5**8~AK4*3*735*7*X~AK5*R*5~", b"AK2*856*0003~AK5*A~")
    answer(plant, b"AK1*SH*1~", *named, b"AK2*856*0004~AK5*A~AK9*P*4*4*3~")
    [interchange] = rows(plant, "interchanges", direction="outbound", partner="prairie")
    documents = rows(plant, "documents", direction="outbound", partner="prairie")
    assert interchange.acknowledgment == "partially accepted"
    assert sorted(one.acknowledgment for one in documents) == ["accepted", "accepted", "accepted", "rejected"]
    assert "acknowledged-partially-accepted" in [case.reason for case in rows(plant, "cases")]
    # The same once more changes nothing; something else than before is asked about.
    answer(plant, b"AK1*SH*1~", *named, b"AK2*856*0004~AK5*A~AK9*P*4*4*3~", control=b"000000502")
    answer(plant, b"AK1*SH*1~", b"AK2*856*0002~AK5*A~AK9*A*4*4*4~", control=b"000000503")
    reasons = [case.reason for case in rows(plant, "cases")]
    assert reasons.count("acknowledgment-contradicts") == 1
    assert sorted(one.acknowledgment for one in rows(plant, "documents", direction="outbound", partner="prairie")) == [
        "accepted", "accepted", "accepted", "rejected",
    ]  # fmt: skip


def test_an_824_that_does_not_come_in_time_becomes_a_case_which_a_late_one_ends(plant):
    (plant.folder / "partners" / "prairie.toml").write_text(
        PRAIRIE.replace("MOST", "1").replace('"PT4H"', '"PT4H"\napplication_expected_within = "P2D"')
    )
    plant.until(lambda: "prairie" in plant.corridor.book.partners)
    deliver(plant)
    interchanges = rows(plant, "interchanges", direction="outbound", partner="prairie")
    now = datetime.now(UTC)

    def overdue(at):
        with plant.store.begin() as work:
            open_unadvised(work, plant.corridor.book, at)
        return [case for case in rows(plant, "cases") if case.reason == UNADVISED]

    assert overdue(now + timedelta(days=1)) == []
    for _ in range(2):
        assert {case.subject_id for case in overdue(now + timedelta(days=3))} == {one.id for one in interchanges}
    body = b"ST*824*0001~BGN*11*1*20261124~OTI*TA*SI*%s***%s*0915*1*0001*856~SE*4*0001~"
    number = rows(plant, "documents", direction="outbound", partner="prairie")[0].number.encode()
    head = b"ISA*00*          *00*          *ZZ*PRAIRIE        *14*9521141000007  *261124*0915*U*00401*000000777*0*P*>~"
    group = b"GS*AG*PRAIRIE*9521141000007*20261124*0915*777*X*004010~"
    plant.drop("prairie", "824.edi", head + group + body % (number, b"20261123") + b"GE*1*777~IEA*1*000000777~")
    plant.settle()
    left = [case for case in overdue(now + timedelta(days=3)) if case.state == "open"]
    assert len(left) == len(interchanges) - 1
