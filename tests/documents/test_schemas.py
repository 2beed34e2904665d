"""The JSON Schemas of the canonical documents, as published in docs/schemas, and documents that keep to them."""

import json
from pathlib import Path

import jsonschema
import pytest
from golden import compare

from edi_server.canonical import DOCUMENTS, schema

ROOT = Path(__file__).parents[2]
ORDERS = sorted((Path(__file__).parent / "orders").glob("*.json"))


@pytest.mark.parametrize("document", sorted(DOCUMENTS))
def test_a_schema_is_published_and_valid(document):
    jsonschema.Draft202012Validator.check_schema(schema(document))
    content = json.dumps(schema(document), indent=2, ensure_ascii=False).encode() + b"\n"
    compare(ROOT / "docs" / "schemas" / f"{document}.json", content)


@pytest.mark.parametrize("golden", ORDERS, ids=lambda path: path.name)
def test_golden_documents_keep_to_their_schema(golden):
    validator = jsonschema.Draft202012Validator(schema("Order"))
    for entry in json.loads(golden.read_text("utf-8")):
        validator.validate(entry["document"])
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**json.loads(golden.read_text("utf-8"))[0]["document"], "lines": "many"})
