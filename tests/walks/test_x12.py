"""X12 through the whole corridor: 850 in, TA1, 997, 999 and 824 out, and what partners answer to what we sent."""

import re

import pytest

PRAIRIE = """
display_name = "Prairie Foods Inc."
identities = ["ZZ:PRAIRIE"]
erp_reference = "9521234000006"
time_zone = "America/Chicago"

[acknowledgments]
ta1 = "requested"
functional = { kind = "FUNCTIONAL", when = "always" }
application = { kind = "824", when = "errors" }

[agreements.orders-in]
direction = "inbound"
message = "850"
versions = ["004010", "005010"]
document = "Order"
profile = "x12/850"
state = "live"
policies = { on_error = "ON_ERROR" }
"""
PAST = {"FUNCTIONAL": "997", "ON_ERROR": "message"}


def put_partner(plant, **changes):
    text = PRAIRIE
    for word, value in (PAST | changes).items():
        text = text.replace(word, value)
    (plant.folder / "partners" / "prairie.toml").write_text(text)
    plant.until(lambda: "prairie" in plant.corridor.book.partners)


def order(number, at, *, quantity=b"48", article=b"UK*09521141010013"):
    body = [
        b"ST*850*%04d" % at,
        b"BEG*00*SA*%s**20261123" % number,
        b"DTM*002*20261127",
        b"N1*BY*Prairie Foods*UL*9521234000006",
        b"N1*ST*Depot*UL*9521234000013",
        b"PO1*1*%s*EA*4.85**%s" % (quantity, article),
        b"CTT*1",
    ]
    return b"~".join([*body, b"SE*%d*%04d~" % (len(body) + 1, at)])


def file(*messages, control=b"000000101", group=b"101", ta1=b"1", version=b"004010", gs=b"PO"):
    head = b"ISA*00*          *00*          *ZZ*PRAIRIE        *14*9521141000007  *261123*0915*U*00401*%s*%s*P*>~"
    body = b"GS*%s*PRAIRIE*9521141000007*20261123*0915*%s*X*%s~%sGE*%d*%s~" % (
        gs, group, version, b"".join(messages), len(messages), group,
    )  # fmt: skip
    return head % (control, ta1) + body + b"IEA*1*%s~" % control


def rows(plant, kind, **wanted):
    with plant.store.read() as work:
        return list(reversed(getattr(work, kind).newest(**wanted)))


def sent(plant):
    return b"".join(plant.outbox("prairie").values())


def test_an_850_becomes_an_order_in_the_erp_and_ta1_and_997_go_back_in_one_interchange(plant):
    put_partner(plant)
    plant.drop("prairie", "po.edi", file(order(b"PO-7", 1)))
    plant.settle()
    [document] = rows(plant, "documents")
    assert (document.type, document.number, document.validation, document.delivery, document.acknowledgment) == (
        "Order", "PO-7", "valid", "delivered", "accepted",
    )  # fmt: skip
    [erp_order] = plant.sandbox.orders()
    assert erp_order.name == document.erp_record_name
    [answer] = plant.outbox("prairie").values()
    assert answer.startswith(b"ISA*00*          *00*          *14*9521141000007  *ZZ*PRAIRIE        *")
    assert re.search(rb"TA1\*000000101\*261123\*0915\*A\*000", answer)
    assert b"GS*FA*9521141000007*PRAIRIE*" in answer
    for segment in (b"AK1*PO*101", b"AK2*850*0001", b"AK5*A", b"AK9*A*1*1*1"):
        assert segment in answer
    assert [one.kind for one in rows(plant, "acknowledgments", direction="sent")] == ["TA1", "997"]
    with plant.store.read() as work:
        assert work.cases.newest() == []
        assert work.dead_letters.newest() == []


def test_the_wrong_message_is_rejected_with_its_place_and_the_others_are_posted(plant):
    put_partner(plant)
    content = file(order(b"PO-1", 1), order(b"PO-2", 2, quantity=b"many"), order(b"PO-3", 3), ta1=b"0")
    plant.drop("prairie", "po.edi", content)
    plant.settle()
    [interchange] = rows(plant, "interchanges", direction="inbound")
    assert interchange.result == "partially accepted"
    assert [one.acknowledgment for one in rows(plant, "documents")] == ["accepted", "rejected", "accepted"]
    assert len(plant.sandbox.orders()) == 2
    answer = sent(plant)
    assert b"TA1*" not in answer
    for segment in (b"AK2*850*0002", b"AK3*PO1*6*PO1*8", b"AK4*2*330*6*many", b"AK5*R*5", b"AK9*P*3*3*2"):
        assert segment in answer


def test_where_one_error_suspends_the_interchange_nothing_of_it_is_posted(plant):
    put_partner(plant, ON_ERROR="interchange", FUNCTIONAL="999")
    content = file(order(b"PO-1", 1), order(b"PO-2", 2, quantity=b"many"), version=b"005010")
    plant.drop("prairie", "po.edi", content)
    plant.settle()
    assert plant.sandbox.orders() == []
    answer = sent(plant)
    assert b"ST*999*0001~" in answer
    assert answer.count(b"IK5*R") == 2
    assert b"AK9*R*2*2*0" in answer


def test_what_the_application_cannot_work_with_is_told_by_824_once(plant):
    put_partner(plant)
    plant.drop("prairie", "po.edi", file(order(b"PO-8", 1, quantity=b"0")))
    plant.settle()
    plant.daemon.workflows.pick_up()
    plant.settle()
    [document] = rows(plant, "documents")
    assert document.validation == "invalid"
    answers = plant.outbox("prairie")
    assert len(answers) == 2
    [advice] = [content for content in answers.values() if b"ST*824*" in content]
    assert b"GS*AG*9521141000007*PRAIRIE*" in advice
    for part in (b"OTI*TR*", b"PO-8", b"quantity"):
        assert part in advice
    assert b"AK5*A" in b"".join(answers.values())
    with plant.store.read() as work:
        assert "advised" in [event.what for event in work.timeline.of(document.subject)]


def test_a_repeated_interchange_is_told_so_and_creates_nothing(plant):
    put_partner(plant)
    plant.drop("prairie", "one.edi", file(order(b"PO-7", 1)))
    plant.settle()
    plant.drop("prairie", "again.edi", file(order(b"PO-7", 1)))
    plant.settle()
    assert [one.result for one in rows(plant, "interchanges", direction="inbound")] == ["accepted", "duplicate"]
    assert len(plant.sandbox.orders()) == 1
    assert re.search(rb"TA1\*000000101\*261123\*0915\*R\*025", sent(plant))


def test_an_interchange_whose_trailer_is_wrong_is_rejected_by_ta1_alone(plant):
    put_partner(plant)
    plant.drop("prairie", "po.edi", file(order(b"PO-7", 1)).replace(b"IEA*1*000000101", b"IEA*1*000000999"))
    plant.settle()
    assert plant.sandbox.orders() == []
    answer = sent(plant)
    assert re.search(rb"TA1\*000000101\*261123\*0915\*R\*001", answer)
    assert b"ST*997" not in answer


def test_what_is_rejected_with_its_group_has_no_824_beside_the_997(plant):
    put_partner(plant)
    plant.drop("prairie", "po.edi", file(order(b"PO-7", 1), ta1=b"0").replace(b"GE*1*", b"GE*3*"))
    plant.settle()
    [answer] = plant.outbox("prairie").values()
    assert b"AK9*R*3*1*0*5" in answer
    [interchange] = rows(plant, "interchanges", direction="inbound")
    assert "envelope.ge-count" in [finding.code for finding in interchange.findings]


def test_what_is_rejected_with_its_interchange_has_no_824_beside_the_ta1(plant):
    put_partner(plant)
    plant.drop("prairie", "po.edi", file(order(b"PO-7", 1)).replace(b"IEA*1*000000101", b"IEA*1*000000999"))
    plant.settle()
    [answer] = plant.outbox("prairie").values()
    assert b"ST*" not in answer


def test_severities_of_an_agreement_hold_for_its_groups(plant):
    put_partner(plant, ON_ERROR='message", severities = { "envelope.ge-*" = "warning" }, interchange = "split')
    plant.drop("prairie", "po.edi", file(order(b"PO-7", 1), ta1=b"0").replace(b"GE*1*", b"GE*3*"))
    plant.settle()
    assert len(plant.sandbox.orders()) == 1
    assert b"AK9*A*3*1*1" in sent(plant)


def test_an_824_is_answered_like_any_message_and_with_no_824(plant):
    put_partner(plant)
    body = b"ST*824*0001~BGN*11*1*20261123~OTI*TR*IV*77~SE*4*0001~"
    plant.drop("prairie", "advice.edi", file(body, gs=b"AG"))
    plant.settle()
    [answer] = plant.outbox("prairie").values()
    for segment in (b"TA1*000000101*261123*0915*A*000", b"AK1*AG*101", b"AK9*A*1*1*1"):
        assert segment in answer


def test_a_997_from_nobody_s_order_is_kept_and_shown(plant):
    put_partner(plant)
    body = b"ST*997*0001~AK1*SH*77~AK9*A*1*1*1~SE*4*0001~"
    plant.drop("prairie", "fa.edi", file(body, gs=b"FA", ta1=b"0"))
    plant.settle()
    assert plant.outbox("prairie") == {}
    [case] = rows(plant, "cases")
    assert case.reason == "acknowledges-nothing"
    assert "group 77" in case.sentence
    [kept] = rows(plant, "acknowledgments", direction="received")
    assert (kept.kind, kept.about_interchange_id) == ("997", None)


@pytest.mark.parametrize("numbers", [1, 3])
def test_control_numbers_of_answers_count_on(plant, numbers):
    put_partner(plant)
    for number in range(numbers):
        control = b"%09d" % (200 + number)
        plant.drop("prairie", f"{number}.edi", file(order(b"PO-%d" % number, 1), control=control, group=b"%d" % number))
        plant.settle()
    found = sorted(int(one) for one in re.findall(rb"ISA.{87}(\d{9})", sent(plant)))
    assert found == list(range(1, numbers + 1))
    assert sorted(int(one) for one in re.findall(rb"GS\*FA\*[^*]*\*[^*]*\*\d*\*\d*\*(\d+)", sent(plant))) == found
