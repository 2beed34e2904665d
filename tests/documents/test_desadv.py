"""Golden DESADVs: one despatch advice as each partner gets it."""

import os
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from golden import compare

from edi_server.canonical import Batch, DespatchAdvice, DespatchLine, Package, Party, Reference, When
from edi_server.config import Configuration
from edi_server.engine.corridor import Corridor
from edi_server.engine.sending import _envelope, write_document
from edi_server.envelope.edifact import close_message, wrap_edifact
from edi_server.findings import has_errors

ROOT = Path(__file__).parents[2]


def line(number: str, gtin: str, sku: str, quantity: str, **more) -> DespatchLine:
    return DespatchLine(
        number=number,
        gtin=gtin,
        supplier_sku=sku,
        quantity=Decimal(quantity),
        unit="PCE",
        order_number="4500012345",
        order_line=number,
        **more,
    )


ADVICE = DespatchAdvice(
    number="WH/OUT/00042",
    issued_on=When(iso="2026-11-24T08:15"),
    despatched_on=When(iso="2026-11-24T07:50"),
    deliver_on=When(iso="2026-11-27"),
    orders=(Reference(kind="ON", number="4500012345"),),
    buyer=Party(gln="9521234000006", name="Nordmarkt Handels GmbH"),
    supplier=Party(gln="9521141000007", name="Lindhof Feinkost GmbH"),
    ship_to=Party(gln="9521234000013", name="Zentrallager Neumünster"),
    packages=(
        Package(
            kind="201",
            count=Decimal(1),
            sscc=("395211410000000015",),
            packages=(
                Package(
                    kind="CT",
                    count=Decimal(2),
                    sscc=("395211410000000022", "395211410000000039"),
                    lines=(line("1", "9521141010013", "LF-1001", "48", batches=(Batch(number="L42"),)),),
                ),
            ),
            lines=(line("2", "9521141010037", "LF-1003", "120", description="Oil, 750 ml: cold + pressed"),),
        ),
    ),
    lines=(line("3", "9521141010099", "LF-1009", "24"),),
)


@pytest.mark.parametrize("partner", ["nordmarkt", "borealis"])
def test_a_despatch_advice_becomes_this_interchange(partner):
    environ = {"EDI_SERVER_PATHS__PARTNERS": str(ROOT / "partners")}
    corridor = Corridor(Configuration.load(Path(os.devnull), environ))
    agreement = corridor.agreement(f"{partner}/despatch-out")
    written = write_document(corridor, agreement, ADVICE)
    assert not has_errors(written.findings)
    header = msgspec.structs.replace(_envelope(agreement).header, control_reference="42", date="261124", time="0816")
    message = msgspec.structs.replace(written.header, reference="1")
    content, findings = wrap_edifact(header, [close_message(message, written.body)], line_breaks=True)
    assert findings == []
    compare(Path(__file__).parent / "desadv" / f"{partner}.edi", content)
