"""What the views of X12 messages share: names of parties on two segments, and the numbers of an article."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import asdict

from edi_server.canonical import Identifier, Party, Record
from edi_server.translation.profile import ARRANGEMENTS

#: Qualifier of a GTIN by its length (X12 235: UCC-12, EAN/UCC-13, EAN/UCC-8, GTIN of 14 digits).
_GTIN = {12: "UP", 13: "EN", 8: "EO", 14: "UK"}
#: Other qualifiers of each number, the profile naming one: where that is absent, the first of these is taken.
_OTHERS = {
    "gtin": ("EN", "UK", "EO"),
    "supplier_sku": ("VP", "VC"),
    "buyer_sku": ("BP", "SK", "PI", "CB"),
}


class NamedParty(Party, frozen=True):
    """A party whose further names stand in a segment of their own (N2)."""

    more_names: str | None = None


ARRANGEMENTS["NamedParty"] = NamedParty


def fields_of(record: Record) -> dict[str, Any]:
    """The fields of a record by name."""
    return asdict(record)


def joined_party(party: NamedParty | None) -> Party | None:
    """The party with all its names, a line for each."""
    if party is None:
        return None
    fields = asdict(party)
    more = fields.pop("more_names")
    fields["name"] = "\n".join(filter(None, (party.name, more))) or None
    return Party(**fields)


def parted_party(party: Party | None) -> NamedParty | None:
    """The party with its first name apart from the others."""
    if party is None:
        return None
    first, _, more = (party.name or "").partition("\n")
    return NamedParty(**(asdict(party) | {"name": first or None, "more_names": more or None}))


def joined_parties(parties: Iterable[NamedParty]) -> tuple[Party, ...]:
    """All of them."""
    return tuple([found for party in parties if (found := joined_party(party))])


def parted_parties(parties: Iterable[Party]) -> tuple[NamedParty, ...]:
    """All of them."""
    return tuple([found for party in parties if (found := parted_party(party))])


def promote(line: dict[str, Any]) -> None:
    """Make articles of the numbers of a line, and GTIN or article numbers where their first qualifier was not there."""
    articles = [_article(text) for text in line.pop("numbers")]
    for field, schemes in _OTHERS.items():
        if line[field] is None and articles:
            found = next((one for one in articles if one.scheme in schemes), None)
            if found is not None:
                line[field] = found.value
                articles.remove(found)
    line["articles"] = (*articles, *line["articles"])


def demote(line: dict[str, Any]) -> None:
    """Make numbers of articles, of a GTIN that is no UPC-A, by its length, and of the number that leads the line."""
    articles: list[Identifier] = list(line["articles"])
    if line["article"]:
        articles.insert(0, Identifier(scheme=line["article_scheme"] or "ZZ", value=line["article"]))
    gtin = line["gtin"] or ""
    scheme = _GTIN.get(len(gtin), "UP") if gtin.isdecimal() else "UP"
    if scheme != "UP":
        articles.insert(0, Identifier(scheme=scheme, value=line["gtin"]))
        line["gtin"] = None
    line["numbers"] = tuple(f"{one.scheme}\n{one.value}" for one in articles)
    line["article"] = line["article_scheme"] = None
    line["articles"] = ()


def _article(text: str) -> Identifier:
    scheme, _, value = text.partition("\n")
    return Identifier(scheme=scheme, value=value)
