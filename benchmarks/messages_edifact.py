"""Made-up DESADV and INVOIC D.96A messages, of the same trade as the ORDERS of `messages.py`, 20 lines each.

A DESADV has one CPS for the shipment and one for each of about five pallets, each with its SSCC; lines stand under the
pallet that carries them. An INVOIC has two rates of tax and adds up. One message in four has a release character, in a
telephone number, a description or a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import messages as orders
from messages import BUYER, FIRST_DAY, LINES, REMARKS, SUPPLIER, UNITS, Draw, describe, euros, with_check_digit

#: Messages that may have release characters.
RELEASED = 0.25
#: Percent of value added tax: most goods, and food.
RATES = (19, 7)


class Stock(NamedTuple):
    """What messages draw from."""

    shops: list[str]
    articles: list[tuple[str, str, int]]


def stock(draw: Draw) -> Stock:
    return Stock(orders.places(draw), orders.articles(draw))


def close(kind: str, number: int, segments: Sequence[str]) -> bytes:
    """UNH to UNT."""
    head, tail = f"UNH+{number}+{kind}:D:96A:UN", f"UNT+{len(segments) + 2}+{number}'"
    return "'".join((head, *segments, tail)).encode(orders.CHARSET)


def order(draw: Draw, number: int, stock: Stock) -> bytes:
    """One ORDERS."""
    released = draw.happens(RELEASED)
    return orders.message(draw, number, stock.shops, stock.articles, released=released).encode(orders.CHARSET)


def despatch_advice(draw: Draw, number: int, stock: Stock) -> bytes:
    """One DESADV."""
    released, day = draw.happens(RELEASED), FIRST_DAY + timedelta(draw.below(360))
    segments = _despatch_heading(draw, number, day, stock, released=released)
    pallets = draw.between(3, 7)
    segments += ("CPS+1", f"PAC+{pallets}++201", f"MEA+PD+AAD+KGM:{draw.between(200, 4000)}")
    counts = [LINES // pallets + (pallet < LINES % pallets) for pallet in range(pallets)]
    line = 0
    for pallet, count in enumerate(counts):
        segments += (f"CPS+{pallet + 2}+1", "PAC+1++201", f"MEA+PD+AAB+KGM:{draw.between(100, 900)}.{draw.below(10)}")
        segments += ("PCI+18", f"GIN+BJ+{_sscc(number, pallet)}")
        for _ in range(count):
            line += 1
            segments += _despatch_line(draw, line, number, day, draw.one(stock.articles), released=released)
    return close("DESADV", number, [*segments, f"CNT+2:{LINES}"])


def _despatch_heading(draw: Draw, number: int, day: date, stock: Stock, *, released: bool) -> list[str]:
    segments = [f"BGM+351+LS{number:08}+9", f"DTM+137:{day:%Y%m%d}:102", f"DTM+11:{day:%Y%m%d}1830:203"]
    if draw.happens(0.8):
        segments.append(f"DTM+17:{day + timedelta(draw.between(1, 4)):%Y%m%d}:102")
    segments.append(f"MEA+PD+AAD+KGM:{draw.between(300, 9000)}")
    segments += (f"RFF+ON:45{number:08}", f"DTM+171:{day - timedelta(draw.between(1, 20)):%Y%m%d}:102")
    if draw.happens(0.5):
        segments.append(f"RFF+CR:{draw.between(10**5, 10**6)}")
    segments += orders.parties(draw, stock.shops, released=released)
    if draw.happens(0.5):
        segments += ("TOD+6++DDP",)
    segments += ("TDT+20++30+31", f"EQD+TE+{draw.one(('HH', 'M', 'K'))} NM {draw.between(100, 9999)}")
    return segments


def _despatch_line(
    draw: Draw, line: int, number: int, day: date, article: tuple[str, str, int], *, released: bool
) -> list[str]:
    gtin, sku, _ = article
    quantity, unit = draw.between(1, 480), draw.one(UNITS)
    segments = [f"LIN+{line}++{gtin}:EN"]
    if draw.happens(0.9):
        segments.append(f"PIA+1+{sku}:SA" + (f"+{draw.between(100000, 999999)}:IN" if draw.happens(0.4) else ""))
    segments.append(f"IMD+F++:::{describe(draw, released=released)}")
    segments.append(f"QTY+12:{quantity}:{unit}")
    if draw.happens(0.3):
        segments.append(f"QTY+21:{quantity + draw.below(20)}:{unit}")
    if draw.happens(0.1):
        segments.append(f"FTX+LIN+++{draw.one(REMARKS)}")
    segments.append(f"RFF+ON:45{number:08}:{line}0")
    if draw.happens(0.4):
        segments += ("PCI+17", f"DTM+361:{day + timedelta(draw.between(20, 400)):%Y%m%d}:102")
        segments += (f"QTY+12:{quantity}:{unit}", f"GIN+BX+L{draw.between(10**5, 10**6)}")
    return segments


def _sscc(number: int, pallet: int) -> str:
    """GS1 General Specifications 2.2.1, by a company that has packed a pallet for each number."""
    return with_check_digit(f"34098760{number * 10 + pallet:09}")


def invoice(draw: Draw, number: int, stock: Stock) -> bytes:
    """One INVOIC."""
    released, day = draw.happens(RELEASED), FIRST_DAY + timedelta(draw.below(360))
    segments = _invoice_heading(draw, number, day, stock, released=released)
    nets = dict.fromkeys(RATES, 0)
    freight = draw.between(500, 9900) if draw.happens(0.5) else 0
    if freight:
        segments += ("ALC+C++++FC", f"MOA+8:{euros(freight)}", "TAX+7+VAT+++:::19+S")
    for line in range(1, LINES + 1):
        rate = draw.one(RATES)
        parts, amount = _invoice_line(draw, line, rate, draw.one(stock.articles), released=released)
        segments += parts
        nets[rate] += amount
    return close("INVOIC", number, [*segments, *_invoice_totals(nets, freight)])


def _invoice_heading(draw: Draw, number: int, day: date, stock: Stock, *, released: bool) -> list[str]:
    segments = [f"BGM+380+RE{number:08}+9", f"DTM+137:{day:%Y%m%d}:102"]
    segments.append(f"DTM+35:{day - timedelta(draw.between(1, 5)):%Y%m%d}:102")
    if draw.happens(0.5):
        segments.append(f"FTX+AAI+++{draw.one(REMARKS)}")
    segments += (f"RFF+ON:45{number:08}", f"DTM+171:{day - timedelta(draw.between(5, 20)):%Y%m%d}:102")
    segments += (f"RFF+DQ:LS{number:08}", f"DTM+171:{day - timedelta(draw.between(1, 5)):%Y%m%d}:102")
    segments += orders.parties(draw, stock.shops, released=released)
    segments += ("CUX+2:EUR:4", f"PAT+1++5:3:D:{draw.one((10, 14, 30, 60))}")
    if draw.happens(0.5):
        segments += ("PAT+22++5:3:D:10", "PCD+12:2")
    segments.append("TOD+6++DDP")
    return segments


def _invoice_line(
    draw: Draw, line: int, rate: int, article: tuple[str, str, int], *, released: bool
) -> tuple[list[str], int]:
    """Segments of one line (SG25), and its net amount in cents."""
    gtin, sku, price = article
    quantity, unit = draw.between(1, 480), draw.one(UNITS)
    amount = quantity * price
    segments = [f"LIN+{line}++{gtin}:EN"]
    if draw.happens(0.9):
        segments.append(f"PIA+1+{sku}:SA" + (f"+{draw.between(100000, 999999)}:IN" if draw.happens(0.4) else ""))
    segments += (f"IMD+F++:::{describe(draw, released=released)}", f"QTY+47:{quantity}:{unit}")
    if draw.happens(0.05):
        segments.append(f"FTX+LIN+++{draw.one(REMARKS)}")
    segments += (f"MOA+203:{euros(amount)}", f"PRI+AAA:{euros(price)}:CT::1:{unit}")
    if draw.happens(0.1):
        segments.append(f"RFF+ON:45{draw.below(10**8):08}:{line}0")
    segments.append(f"TAX+7+VAT+++:::{rate}+S")
    if draw.happens(0.1):
        segments += ("ALC+A+++1+DI", "PCD+3:5", f"MOA+8:{euros(amount // 20)}")
    return segments, amount


def _invoice_totals(nets: dict[int, int], freight: int) -> list[str]:
    lines = sum(nets.values())
    bases = {rate: net + (freight if rate == RATES[0] else 0) for rate, net in nets.items()}
    taxes = {rate: (base * rate + 50) // 100 for rate, base in bases.items()}
    net, tax = sum(bases.values()), sum(taxes.values())
    segments = ["UNS+S", f"CNT+2:{LINES}", f"MOA+79:{euros(lines)}", f"MOA+125:{euros(net)}"]
    segments += (f"MOA+124:{euros(tax)}", f"MOA+77:{euros(net + tax)}")
    for rate, base in bases.items():
        segments += (f"TAX+7+VAT+++:::{rate}+S", f"MOA+125:{euros(base)}", f"MOA+124:{euros(taxes[rate])}")
    return segments


#: How to make one message: the source of what varies, its number in the interchange, and the stock.
MESSAGES: dict[str, Callable[[Draw, int, Stock], bytes]] = {
    "ORDERS": order,
    "DESADV": despatch_advice,
    "INVOIC": invoice,
}


def head(kind: str) -> bytes:
    return f"UNB+UNOC:3+{SUPPLIER}:14+{BUYER}:14+261123:1030+BENCH1++{kind}'".encode(orders.CHARSET)


def tail(count: int) -> bytes:
    return orders.tail(count)
