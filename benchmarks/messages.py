"""Made-up ORDERS D.96A interchanges that look like a retailer's: the input of every benchmark.

A message has 20 lines, about 143 segments and 3.4 KB, as the orders that we know from the trade. No two are alike:
articles, quantities, prices, dates, delivery places and texts come from a seeded generator, optional segments come and
go, every GTIN and GLN has its check digit, amounts add up, and every code is in the directory. The same seed gives the
same bytes on every machine.

Two kinds: *plain* has no release character at all; *released* is the same orders with one in about 5 % of the
descriptions and in the telephone number of 75 % of the messages, which is hard on every fast path.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: UNOC, ISO 9735 version 3.
CHARSET = "iso-8859-1"
LINES = 20
#: Length of data element 7008.
DESCRIPTION = 35
SEED = 19870313
#: Change it when the generator's output changes: files made by an older one are then made anew.
EDITION = 1

BUYER = "4312340000005"
SUPPLIER = "4098760000008"
FIRST_DAY = date(2026, 1, 5)

COMPANIES = ("Nordmarkt Handels GmbH", "Südkauf AG & Co. KG", "Épicerie du Lac SA", "Hansa Großmarkt eG")
STREETS = ("Hafenstraße", "Am Mühlbach", "Rue des Acacias", "Industriering", "Långgatan", "Marktplatz", "Gewerbepark")
CITIES = (("20457", "Hamburg", "DE"), ("80331", "München", "DE"), ("1003", "Lausanne", "CH"), ("50667", "Köln", "DE"))
CITIES += (
    ("41111", "Göteborg", "SE"),
    ("1010", "Wien", "AT"),
    ("44137", "Dortmund", "DE"),
    ("90402", "Nürnberg", "DE"),
)
BUYERS = ("Anna Krüger", "Jonas Weiß", "Marie Lefèvre", "Tove Björk", "Peter Schmidt", "Ines Haas", "Karl Ott")
GOODS = ("Crème fraîche", "Haferdrink", "Kaffee gemahlen", "Tomaten stückig", "Dinkelmehl Type 630", "Spülmittel")
GOODS += ("Müsliriegel", "Olivenöl nativ", "Apfelsaft naturtrüb", "Schrauben M6x40", "Batterien AA", "Kräutertee")
KINDS = ("Bio", "Classic", "extra fein", "XL", "Sparpack", "Sensitiv", "Premium", "ohne Zusatz", "Aktion", "fettarm")
PACKS = ("250 g", "500 g", "1 kg", "0,75 l", "1 l", "6er Pack", "12 x 330 ml", "100 Stück", "2,5 kg")
RELEASED_GOODS = (
    "Schlauch 3/4 Zoll?: 5 m",
    "Baker?'s Choice",
    "Set A?+B",
    "Wer weiß das?? Quiz",
    "O?'Neill 2?+1 gratis",
)
REMARKS = ("Anlieferung nur werktags 6-14 Uhr", "Bitte Avis 24 h vorher", "Rampe 7, Höhe 1,20 m", "Keine Teillieferung")
REMARKS += ("Paletten tauschen", "Livraison par le quai B", "Kühlkette bis 7 Grad einhalten", "Lieferschein zweifach")
UNITS = ("PCE", "PCE", "PCE", "CT", "KGM", "LTR")
KINDS_OF_ORDER = ("220", "220", "220", "220", "220", "221", "224", "226")
TERMS = ("DDP", "DDU", "EXW", "FCA", "CPT")


class Draw:
    """The seeded source of everything that varies."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    def between(self, low: int, high: int) -> int:
        return low + int(self.random() * (high - low + 1))

    def one(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def happens(self, share: float) -> bool:
        return self.random() < share


def with_check_digit(digits: str) -> str:
    """GS1 General Specifications 7.9: weights 3 and 1 from the right."""
    total = 3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))
    return f"{digits}{-total % 10}"


def places(draw: Draw) -> list[str]:
    """Delivery places as NAD segments without their qualifier: a few hundred shops."""
    shops = []
    for number in range(1, 401):
        postcode, city, country = draw.one(CITIES)
        gln = with_check_digit(f"43123410{number:04}")
        street = f"{draw.one(STREETS)} {draw.between(1, 199)}"
        shops.append(f"{gln}::9++{draw.one(COMPANIES)}:Filiale {number}+{street}+{city}++{postcode}+{country}")
    return shops


def articles(draw: Draw) -> list[tuple[str, str, int]]:
    """(GTIN, supplier's number, price in cents) of some thousand articles."""
    return [
        (
            with_check_digit(f"4{draw.below(10**11):011}"),
            f"{draw.one('ABCDEFGH')}{draw.one('KLMNPRST')}-{draw.between(1000, 99999)}",
            draw.between(29, 24999),
        )
        for _ in range(4000)
    ]


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def describe(draw: Draw, *, released: bool) -> str:
    hard = draw.happens(0.05)
    special = draw.one(RELEASED_GOODS)
    article, pack = f"{draw.one(GOODS)} {draw.one(KINDS)}", draw.one(PACKS)
    if hard and released:
        return special
    # 7008 holds 35 characters and stands twice in C273.
    return f"{article}{' ' if len(article) + len(pack) < DESCRIPTION else ':'}{pack}"


def telephone(draw: Draw, *, released: bool) -> str:
    international = draw.happens(0.75)
    number = f"40 {draw.between(200000, 999999)}-{draw.below(100)}"
    if not international:
        return f"0{number}"
    return f"?+49 {number}" if released else f"0049 {number}"


def line(draw: Draw, number: int, day: date, article: tuple[str, str, int], *, released: bool) -> tuple[list[str], int]:
    """Segments of one order line (SG25), and its amount in cents."""
    gtin, sku, price = article
    quantity, unit = draw.between(1, 480), draw.one(UNITS)
    amount = quantity * price
    segments = [f"LIN+{number}++{gtin}:EN"]
    if draw.happens(0.9):
        segments.append(f"PIA+1+{sku}:SA" + (f"+{draw.between(100000, 999999)}:IN" if draw.happens(0.4) else ""))
    segments += (f"IMD+F++:::{describe(draw, released=released)}", f"QTY+21:{quantity}:{unit}")
    if draw.happens(0.1):
        segments.append(f"QTY+59:{draw.one((6, 8, 12, 24))}")
    if draw.happens(0.5):
        segments.append(f"DTM+2:{day + timedelta(draw.below(10)):%Y%m%d}:102")
    if draw.happens(0.35):
        segments.append(f"MOA+203:{euros(amount)}")
    if draw.happens(0.05):
        segments.append(f"FTX+LIN+++{draw.one(REMARKS)}")
    segments.append(f"PRI+AAA:{euros(price)}" + (f":CT::1:{unit}" if draw.happens(0.75) else ""))
    if draw.happens(0.05):
        segments.append(f"RFF+PL:{draw.between(1000, 9999)}")
    if draw.happens(0.05):
        segments.append(f"PAC+{draw.between(1, 9)}++CT")
    return segments, amount


def heading(draw: Draw, number: int, day: date, shops: list[str], *, released: bool) -> list[str]:
    """BGM to TOD."""
    order = f"45{number:08}"
    deliver = day + timedelta(draw.between(2, 21))
    segments = [f"BGM+{draw.one(KINDS_OF_ORDER)}+{order}+9", f"DTM+137:{day:%Y%m%d}:102"]
    if draw.happens(0.8):
        segments.append(f"DTM+2:{deliver:%Y%m%d}:102")
    else:
        segments += (f"DTM+64:{deliver:%Y%m%d}0600:203", f"DTM+63:{deliver:%Y%m%d}1400:203")
    if draw.happens(0.9):
        segments.append(f"FTX+AAI+++{draw.one(REMARKS)}" + (f":{draw.one(REMARKS)}" if draw.happens(0.3) else ""))
    segments.append(f"RFF+CT:RV-{draw.between(10000, 99999)}")
    if draw.happens(0.8):
        segments.append(f"DTM+171:{FIRST_DAY - timedelta(draw.below(300)):%Y%m%d}:102")
    segments += parties(draw, shops, released=released)
    segments.append(f"CUX+2:{draw.one(('EUR', 'EUR', 'EUR', 'CHF'))}:9")
    if draw.happens(0.9):
        segments.append(f"PAT+1++5:3:D:{draw.one((10, 14, 30, 60))}")
    if draw.happens(0.5):
        segments.append("TDT+20++30+31")
    segments.append(f"TOD+6++{draw.one(TERMS)}")
    if draw.happens(0.7):
        segments.append(f"LOC+1+:::{draw.one(CITIES)[1]}")
    return segments


def parties(draw: Draw, shops: list[str], *, released: bool) -> list[str]:
    person = draw.one(BUYERS)
    segments = [f"NAD+BY+{BUYER}::9++Nordmarkt Handels GmbH+Hafenstraße 12+Hamburg++20457+DE"]
    if draw.happens(0.7):
        segments.append("RFF+VA:DE811234567")
    segments += (f"CTA+OC+{draw.between(100, 999)}:{person}", f"COM+{telephone(draw, released=released)}:TE")
    if draw.happens(0.5):
        segments.append(f"COM+einkauf{draw.below(30)}@nordmarkt.example:EM")
    segments += (f"NAD+SU+{SUPPLIER}::9", f"RFF+VA:DE{draw.one((813456789, 814567890))}", f"NAD+DP+{draw.one(shops)}")
    if draw.happens(0.9):
        segments.append(f"NAD+IV+{BUYER}::9")
    return segments


def message(draw: Draw, number: int, shops: list[str], stock: list[tuple[str, str, int]], *, released: bool) -> str:
    """One message, UNH to UNT. References count from 1."""
    day = FIRST_DAY + timedelta(draw.below(360))
    segments = [f"UNH+{number}+ORDERS:D:96A:UN", *heading(draw, number, day, shops, released=released)]
    total = 0
    for position in range(1, LINES + 1):
        lines, amount = line(draw, position, day, draw.one(stock), released=released)
        segments += lines
        total += amount
    segments += ("UNS+S", f"MOA+86:{euros(total)}", f"CNT+2:{LINES}")
    segments.append(f"UNT+{len(segments) + 1}+{number}'")
    return "'".join(segments)


def messages(seed: int = SEED, *, released: bool) -> Iterator[bytes]:
    """Messages without end."""
    draw = Draw(seed)
    shops, stock = places(draw), articles(draw)
    number = 0
    while True:
        number += 1
        yield message(draw, number, shops, stock, released=released).encode(CHARSET)


HEAD = f"UNB+UNOC:3+{BUYER}:14+{SUPPLIER}:14+261123:1030+BENCH1++ORDERS'".encode(CHARSET)


def tail(count: int) -> bytes:
    return f"UNZ+{count}+BENCH1'".encode(CHARSET)


def interchange(count: int, *, released: bool) -> bytes:
    """One interchange of `count` messages."""
    return b"".join((HEAD, *islice(messages(released=released), count), tail(count)))


def write(path: Path, size: int, *, released: bool) -> int:
    """Write one interchange of at least `size` bytes, message by message; gives the number of messages."""
    part = path.with_name(path.name + ".part")
    count, written = 0, len(HEAD)
    source = messages(released=released)
    with part.open("wb") as file:
        file.write(HEAD)
        while written < size:
            written += file.write(next(source))
            count += 1
        file.write(tail(count))
    part.replace(path)
    return count


def bytes_of(text: str) -> int:
    """A size such as "200MB" or "3400"; MB are millions."""
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
    unit = units.get(text[-2:].upper())
    return int(float(text[:-2]) * unit) if unit else int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a made-up ORDERS D.96A interchange.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--released", action="store_true", help="with release characters")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--messages", type=int, default=1000)
    size.add_argument("--size", type=bytes_of, help="at least this many bytes, such as 200MB")
    arguments = parser.parse_args()
    if arguments.size:
        count = write(arguments.file, arguments.size, released=arguments.released)
    else:
        count = arguments.messages
        arguments.file.write_bytes(interchange(count, released=arguments.released))
    print(f"{arguments.file}: {count} messages, {arguments.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
