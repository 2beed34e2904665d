"""Golden documents of X12: what each of our samples becomes, and what it is when it is written again."""

import io
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from golden import compare

from edi_server.canonical import Batch, DespatchAdvice, DespatchLine, Package, Party, Reference, When, to_json
from edi_server.envelope.model import MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import has_errors
from edi_server.guides import check, load_guide
from edi_server.located import dotted, read_toml
from edi_server.translation import load_profile, translator_for

HERE = Path(__file__).parent
SAMPLES = sorted(HERE.glob("x12-*/*.x12"))


def translator(message, version, **overrides):
    profile = load_profile(f"x12/{message}", **overrides)
    return translator_for(profile, load_guide(syntax="x12", version=version, message=message))


def message_of(file):
    return next(event for event in open_interchanges(io.BytesIO(file.read_bytes())) if isinstance(event, MessageRead))


def checked(there, segments):
    whole = [f"ST+{there.guide.message}+0001", *segments, f"SE+{len(segments) + 2}+0001"]
    return check(there.guide, whole, released=any("\x01" <= mark <= "\x05" for one in segments for mark in one))


def as_text(segments):
    return "".join(segment.replace("+", "*").translate(BACK) + "~\n" for segment in segments).encode()


#: Where the profile stands in a partner's file.
PATH = ("agreements", "orders-in", "profile")
#: Stand-ins of data as it stands in X12 with the separators `*`, `>` and `~`.
BACK = str.maketrans({":": ">", "\x01": "+", "\x02": ":", "\x03": "'"})


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_sample_becomes_this_document_and_is_written_so(file):
    message = message_of(file)
    there = translator(message.header.type, message.header.directory)
    found = check(there.guide, message.segments, released=message.released)
    assert not has_errors(found.findings), found.findings
    reading = there.read(found.tree)
    content = {
        "document": json.loads(to_json(reading.document)),
        "findings": msgspec.to_builtins(reading.findings),
        "not carried": msgspec.to_builtins(there.not_carried(found.tree).not_carried),
    }
    compare(file.with_suffix(".json"), json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
    writing = there.write(reading.document)
    assert not writing.findings
    again = checked(there, writing.segments)
    assert not has_errors(again.findings), again.findings
    assert there.read(again.tree).document == reading.document
    compare(file.with_suffix(".written"), as_text(writing.segments))


def line(number, order, **more):
    return DespatchLine(
        number=number,
        gtin="9521141010013",
        quantity=Decimal(24),
        unit="EA",
        order_number=order,
        order_line=number,
        **more,
    )


#: As an ERP says it: batches with their quantities, and a pallet with goods of two orders.
MIXED = DespatchAdvice(
    number="WH/OUT/00044",
    issued_on=When(iso="2026-11-24T07:15:00+00:00"),
    despatched_on=When(iso="2026-11-24T07:10:00+00:00"),
    orders=(Reference(kind="ON", number="PO-1", when=When(iso="2026-11-20")), Reference(kind="ON", number="PO-2")),
    buyer=Party(gln="9521234000006", name="Prairie Foods Inc."),
    supplier=Party(gln="9521141000007", name="Lindhof Feinkost GmbH"),
    ship_to=Party(
        code="0042", code_list="92", name="Joliet depot", street="77 Depot Road", city="Joliet", country="US"
    ),
    packages=(
        Package(
            sscc=("395211410000000015",),
            packages=(
                Package(
                    sscc=("395211410000000022",),
                    lines=(
                        line(
                            "1",
                            "PO-1",
                            batches=(
                                Batch(number="L41", quantity=Decimal(10)),
                                Batch(number="L42", quantity=Decimal(14), best_before=When(iso="2027-06-30")),
                            ),
                        ),
                    ),
                ),
                Package(sscc=("395211410000000039",), lines=(line("1", "PO-2"),)),
            ),
        ),
        Package(sscc=("395211410000000046",), lines=(line("2", "PO-1"),)),
    ),
    lines=(line("3", "PO-1"),),
)


def test_goods_of_several_orders_in_a_package_stand_in_it_by_order():
    there = translator("856", "004010")
    writing = there.write(MIXED)
    assert not writing.findings
    found = checked(there, writing.segments)
    assert not has_errors(found.findings), found.findings
    document = there.read(found.tree).document
    assert document == there.normal(MIXED)
    assert [
        (one.order_number, one.quantity, one.batches[0].number) for one in document.packages[1].packages[0].lines
    ] == [
        ("PO-1", 10, "L41"),
        ("PO-1", 14, "L42"),
    ]
    compare(HERE / "x12-despatch" / "mixed-packages.written", as_text(writing.segments))


def test_a_partner_says_what_differs_from_the_base():
    file = HERE / "x12-orders" / "prairie.toml"
    table, positions = read_toml(file)
    overrides = dict(table["agreements"]["orders-in"]["profile"])
    del overrides["extends"]
    lines = {dotted(key[3:]): number for key, number in positions.items() if key[:3] == PATH}
    there = translator("850", "004010", overrides=overrides, source=str(file), lines=lines)
    message = message_of(HERE / "x12-orders" / "prairie.x12")
    document = there.read(check(there.guide, message.segments, released=message.released).tree).document
    assert document.deliver_on == When(iso="2026-11-27")
    assert [one.buyer_sku for one in document.lines] == [None, "77120", "C-77"]
    written = there.write(document).segments
    assert "DTM+010+20261127" in written
    assert any("+CB+C-77" in segment for segment in written)
