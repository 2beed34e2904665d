"""Odoo's partners as parties of a document."""

from __future__ import annotations

from collections.abc import Iterable

from edi_server.canonical import Party
from edi_server.erp.gs1 import is_gs1_number
from edi_server.erp.session import Row, Session

_GLN_LENGTH = 13
_NUMBERS = ("global_location_number", "barcode", "ref")
_FIELDS = ("name", "parent_id", "street", "street2", "city", "zip", "state_id", "country_id", "vat")
#: EDIFACT 3055 "91": the number was assigned by the seller, that is by us.
_ASSIGNED_BY_SELLER = "91"


def read_parties(session: Session, ids: Iterable[int]) -> dict[int, Party]:
    """Partner id → party, with ISO 3166 codes of country and region."""
    fields = [name for name in (*_FIELDS, *_NUMBERS) if session.has("res.partner", name)]
    rows = session.read("res.partner", sorted(set(ids)), fields)
    countries = _codes(session, "res.country", rows, "country_id")
    states = _codes(session, "res.country.state", rows, "state_id")
    return {row["id"]: _party(row, countries, states) for row in rows}


def _codes(session: Session, model: str, rows: list[Row], field: str) -> dict[int, str]:
    ids = sorted({row[field][0] for row in rows if row[field]})
    return {row["id"]: row["code"] for row in session.read(model, ids, ["code"])}


def _party(row: Row, countries: dict[int, str], states: dict[int, str]) -> Party:
    numbers = [str(row[name]) for name in _NUMBERS if row.get(name)]
    gln = next((number for number in numbers if is_gs1_number(number, _GLN_LENGTH)), None)
    code = (row["ref"] or None) if gln is None else None
    return Party(
        gln=gln,
        code=code,
        code_list=_ASSIGNED_BY_SELLER if code else None,
        name=_name(row),
        street="\n".join(str(row[name]) for name in ("street", "street2") if row[name]) or None,
        city=row["city"] or None,
        postcode=row["zip"] or None,
        region=states[row["state_id"][0]] if row["state_id"] else None,
        country=countries[row["country_id"][0]] if row["country_id"] else None,
        vat=row["vat"] or None,
    )


def _name(row: Row) -> str | None:
    """An address without a name of its own goes by its company's."""
    return row["name"] or (row["parent_id"][1] if row["parent_id"] else None) or None
