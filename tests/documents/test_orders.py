"""Golden documents: what each sample becomes through its partner's profile, with everything found on the way."""

import io
import json
import os
from pathlib import Path

import msgspec
import pytest
from golden import compare

from edi_server.canonical import to_json
from edi_server.config import Configuration
from edi_server.engine.checking import check_message, translate_message
from edi_server.engine.corridor import Corridor
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import MessageRead
from edi_server.samples import SAMPLES

ROOT = Path(__file__).parents[2]
ORDERS = {"order-4500012345.edi", "orders-2026-11-23.edi", "bk-2026-0815.edi"}


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.name in ORDERS], ids=lambda one: one.name)
def test_a_sample_becomes_these_documents(sample):
    environ = {"EDI_SERVER_PATHS__PARTNERS": str(ROOT / "partners")}
    corridor = Corridor(Configuration.load(Path(os.devnull), environ))
    agreement = corridor.agreement(f"{sample.mailbox}/orders-in")
    documents = []
    for event in open_edifact(io.BytesIO(sample.content)):
        if isinstance(event, MessageRead):
            checked = check_message(event)
            translated = translate_message(checked, corridor.profile(agreement))
            documents.append(
                {
                    "document": json.loads(to_json(translated.document)),
                    "findings": msgspec.to_builtins([*checked.findings, *translated.findings]),
                    "not carried": msgspec.to_builtins(translated.not_carried),
                }
            )
    content = json.dumps(documents, indent=2, ensure_ascii=False).encode() + b"\n"
    compare(Path(__file__).parent / "orders" / f"{sample.name}.json", content)
