"""Made-up 850, 856 and 810 messages of X12 004010 as a North American retailer's, 20 lines each.

ISA says version 00501 and `^` as repetition separator, which is common with messages of 004010. An 856 has levels for
shipment, order, about five packs and 20 items; an 810 adds up; every code is in the standard's list, every UPC and
SSCC has its check digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from messages import FIRST_DAY, LINES, Draw, with_check_digit

CHARSET = "ascii"
COMPANIES = ("NORTHMARKET STORES INC", "Hudson & Sons LLC", "LAKESIDE SUPPLY CO", "Prairie Wholesale (MIDWEST)")
STREETS = ("Harbor Blvd", "N MAIN ST", "Industrial Pkwy", "Route 66", "Market St, Suite 400", "W 42ND ST")
CITIES = (("Columbus", "OH", "43085"), ("CHICAGO", "IL", "60601"), ("Reno", "NV", "89501"), ("Austin", "TX", "73301"))
CITIES += (("St. Paul", "MN", "55101"), ("MEMPHIS", "TN", "381010001"), ("Tampa", "FL", "33601"))
BUYERS = ("Ann Kruger", "JOHN WHITE", "Mary O'Neill", "Tom Birch", "Pete Smith")
GOODS = ("CREAM CHEESE", "Oat Drink", "COFFEE GROUND", "Crushed Tomatoes", "Olive Oil, virgin", "CEREAL BAR")
GOODS += ("Baker's Choice Flour", "Hex Screws M6 x 40", "AA Batteries", "HERBAL TEA", "Apple Juice 100%")
KINDS = ("Organic", "CLASSIC", "extra fine", "XL", "VALUE PACK", "Premium", "no additives", "low fat")
PACKS = ("8 OZ", "16 oz", "1 LB", "1/2 gal", "6-PACK", "12 x 11 OZ", "100 ct")
REMARKS = ("DELIVER WEEKDAYS 6AM-2PM ONLY", "Call 24h ahead: dock 7", "NO PARTIAL SHIPMENTS", "Keep below 45F")
UNITS = ("EA", "EA", "EA", "CA", "LB")
CARRIERS = ("UPSN", "FDEG", "ODFL", "YFSY")


class Stock(NamedTuple):
    """What messages draw from."""

    #: (number, name, street, city, state, postal code) of shops.
    shops: list[tuple[str, ...]]
    #: (UPC, supplier's number, price in cents).
    articles: list[tuple[str, str, int]]


def stock(draw: Draw) -> Stock:
    shops = [
        (f"{number:04}", draw.one(COMPANIES), f"{draw.between(1, 9999)} {draw.one(STREETS)}", *draw.one(CITIES))
        for number in range(1, 401)
    ]
    articles = [
        (
            with_check_digit(f"0{draw.below(10**10):010}"),
            f"{draw.one('ABCDEFGH')}{draw.one('KLMNPRST')}-{draw.between(1000, 99999)}",
            draw.between(29, 24999),
        )
        for _ in range(4000)
    ]
    return Stock(shops, articles)


def close(kind: str, number: int, segments: Sequence[str]) -> bytes:
    """ST to SE."""
    head, tail = f"ST*{kind}*{number:04}", f"SE*{len(segments) + 2}*{number:04}~"
    return "~".join((head, *segments, tail)).encode(CHARSET)


def dollars(cents: int) -> str:
    """R: no more digits than needed."""
    return f"{cents // 100}.{cents % 100:02}".rstrip("0").rstrip(".")


def describe(draw: Draw) -> str:
    return f"{draw.one(GOODS)} {draw.one(KINDS)} {draw.one(PACKS)}"


def party(role: str, shop: tuple[str, ...]) -> list[str]:
    number, name, street, city, state, postcode = shop
    return [f"N1*{role}*{name}*92*{number}", f"N3*{street}", f"N4*{city}*{state}*{postcode}*US"]


def purchase_order(draw: Draw, number: int, stock: Stock) -> bytes:
    """One 850."""
    day = FIRST_DAY + timedelta(draw.below(360))
    segments = _order_heading(draw, number, day, stock)
    total = 0
    for line in range(1, LINES + 1):
        parts, amount = _order_line(draw, line, day, draw.one(stock.articles))
        segments += parts
        total += amount
    return close("850", number, [*segments, f"CTT*{LINES}", f"AMT*TT*{dollars(total)}"])


def _order_heading(draw: Draw, number: int, day: date, stock: Stock) -> list[str]:
    segments = [f"BEG*00*{draw.one(('SA', 'SA', 'RL', 'BK'))}*45{number:08}**{day:%Y%m%d}", "CUR*BY*USD"]
    segments.append(f"REF*DP*{draw.between(1, 99):03}")
    if draw.happens(0.9):
        segments.append(f"REF*IA*{draw.between(10**5, 10**6)}")
    segments.append(
        f"PER*BD*{draw.one(BUYERS)}*TE*614555{draw.between(1000, 9999)}*EM*buyer{draw.below(30)}@north.example"
    )
    if draw.happens(0.8):
        segments.append("FOB*CC*OR*ORIGIN")
    if draw.happens(0.3):
        segments.append(f"SAC*A*C310***{draw.between(100, 9999)}*******02***Promotion")
    segments.append(f"ITD*01*3*{draw.one(('1', '2'))}**10**{draw.one((30, 45, 60))}")
    segments.append(f"DTM*002*{day + timedelta(draw.between(2, 21)):%Y%m%d}")
    if draw.happens(0.5):
        segments.append(f"DTM*001*{day + timedelta(draw.between(22, 40)):%Y%m%d}")
    segments.append(f"TD5*O*2*{draw.one(CARRIERS)}*M*GROUND")
    if draw.happens(0.5):
        segments += ("N9*L1*GENERAL", f"MSG*{draw.one(REMARKS)}")
    segments.append("N1*BY*NORTHMARKET STORES INC*9*0987654320000")
    segments += party("ST", draw.one(stock.shops))
    if draw.happens(0.7):
        segments += party("BT", draw.one(stock.shops))
    return [*segments, f"N1*VN*{draw.one(COMPANIES)}*92*{draw.between(1000, 9999)}"]


def _order_line(draw: Draw, line: int, day: date, article: tuple[str, str, int]) -> tuple[list[str], int]:
    """Segments of one line (loop PO1), and its amount in cents."""
    upc, sku, price = article
    quantity, unit = draw.between(1, 480), draw.one(UNITS)
    buyer = f"*IN*{draw.between(100000, 999999)}" if draw.happens(0.4) else ""
    segments = [f"PO1*{line}*{quantity}*{unit}*{dollars(price)}*PE*UP*{upc}*VN*{sku}{buyer}"]
    if draw.happens(0.3):
        segments.append(f"CTP*RS*RTL*{dollars(price * 2)}")
    segments.append(f"PID*F*08***{describe(draw)}")
    if draw.happens(0.5):
        segments.append(f"PO4*{draw.one((6, 8, 12, 24))}*{draw.one((8, 16, 32))}*OZ")
    if draw.happens(0.2):
        segments.append(f"REF*PG*{draw.between(1000, 9999)}")
    if draw.happens(0.1):
        segments.append(f"SAC*A*C310***{draw.between(10, 999)}")
    if draw.happens(0.1):
        one, other = quantity // 2, quantity - quantity // 2
        segments.append(f"SDQ*{unit}*92*{draw.between(1, 200):04}*{one}*{draw.between(201, 400):04}*{other}")
    if draw.happens(0.4):
        segments.append(f"DTM*010*{day + timedelta(draw.between(1, 20)):%Y%m%d}")
    return segments, quantity * price


def ship_notice(draw: Draw, number: int, stock: Stock) -> bytes:
    """One 856."""
    day = FIRST_DAY + timedelta(draw.below(360))
    packs = draw.between(3, 7)
    segments = _shipment(draw, number, day, packs, stock)
    segments += ("HL*2*1*O*1", f"PRF*45{number:08}***{day - timedelta(draw.between(2, 20)):%Y%m%d}")
    segments.append(f"REF*DP*{draw.between(1, 99):03}")
    level, total = 2, 0
    for pack in range(packs):
        level += 1
        parent = level
        segments += (f"HL*{level}*2*P*1", f"MAN*GM*00{with_check_digit(f'00987654{number * 10 + pack:09}')}")
        for _ in range(LINES // packs + (pack < LINES % packs)):
            level += 1
            quantity = draw.between(1, 480)
            total += quantity
            segments.append(f"HL*{level}*{parent}*I*0")
            segments += _item(draw, day, quantity, draw.one(stock.articles))
    return close("856", number, [*segments, f"CTT*{level}*{total}"])


def _shipment(draw: Draw, number: int, day: date, packs: int, stock: Stock) -> list[str]:
    segments = [f"BSN*00*{number:08}*{day:%Y%m%d}*1830*0001", "HL*1**S*1"]
    segments.append(f"TD1*CTN25*{packs}****G*{draw.between(100, 9000)}*LB")
    segments.append(f"TD5*O*2*{draw.one(CARRIERS)}*M*GROUND")
    segments.append(f"TD3*TL**{draw.between(10**5, 10**6)}")
    segments.append(f"REF*BM*{draw.between(10**7, 10**8)}")
    if draw.happens(0.7):
        segments.append(f"REF*CN*1Z{draw.below(10**12):012}")
    segments.append(f"DTM*011*{day:%Y%m%d}")
    segments.append(f"DTM*017*{day + timedelta(draw.between(1, 5)):%Y%m%d}")
    segments += ("FOB*PP", f"N1*SF*{draw.one(COMPANIES)}*92*{draw.between(1000, 9999)}")
    return [*segments, *party("ST", draw.one(stock.shops))]


def _item(draw: Draw, day: date, quantity: int, article: tuple[str, str, int]) -> list[str]:
    upc, sku, _ = article
    unit = draw.one(UNITS)
    buyer = f"*IN*{draw.between(100000, 999999)}" if draw.happens(0.4) else ""
    ordered = f"**{quantity + draw.below(20)}*{unit}" if draw.happens(0.3) else ""
    segments = [f"LIN**UP*{upc}*VN*{sku}{buyer}", f"SN1**{quantity}*{unit}{ordered}"]
    if draw.happens(0.5):
        segments.append(f"PO4*{draw.one((6, 8, 12, 24))}*{draw.one((8, 16, 32))}*OZ")
    segments.append(f"PID*F*08***{describe(draw)}")
    if draw.happens(0.3):
        segments.append(f"REF*LT*L{draw.between(10**5, 10**6)}")
    if draw.happens(0.3):
        segments.append(f"DTM*036*{day + timedelta(draw.between(20, 400)):%Y%m%d}")
    return segments


def invoice(draw: Draw, number: int, stock: Stock) -> bytes:
    """One 810."""
    day = FIRST_DAY + timedelta(draw.below(360))
    segments = _invoice_heading(draw, number, day, stock)
    total = 0
    for line in range(1, LINES + 1):
        parts, amount = _invoice_line(draw, line, draw.one(stock.articles))
        segments += parts
        total += amount
    freight = draw.between(500, 9900) if draw.happens(0.5) else 0
    tax = (total * 625 + 5000) // 10000
    segments += (f"TDS*{total + freight + tax}", f"TXI*ST*{dollars(tax)}*6.25")
    segments.append(f"CAD*M***{draw.one(CARRIERS)}***BM*{draw.between(10**7, 10**8)}")
    if freight:
        segments.append(f"SAC*C*D240***{freight}*******06***Freight")
    segments.append(f"ISS*{draw.between(1, 40)}*CA*{draw.between(100, 9000)}*LB")
    return close("810", number, [*segments, f"CTT*{LINES}"])


def _invoice_heading(draw: Draw, number: int, day: date, stock: Stock) -> list[str]:
    ordered = day - timedelta(draw.between(5, 20))
    segments = [f"BIG*{day:%Y%m%d}*RE{number:08}*{ordered:%Y%m%d}*45{number:08}***DI"]
    if draw.happens(0.3):
        segments.append(f"NTE*GEN*{draw.one(REMARKS)}")
    segments += ("CUR*SE*USD", f"REF*IA*{draw.between(10**5, 10**6)}", f"REF*DP*{draw.between(1, 99):03}")
    segments.append(f"N1*SU*{draw.one(COMPANIES)}*92*{draw.between(1000, 9999)}")
    segments += (*party("ST", draw.one(stock.shops)), *party("BT", draw.one(stock.shops)))
    segments.append(f"ITD*01*3*{draw.one(('1', '2'))}**10**{draw.one((30, 45, 60))}")
    return [*segments, f"DTM*011*{day - timedelta(draw.between(1, 4)):%Y%m%d}", "FOB*PP"]


def _invoice_line(draw: Draw, line: int, article: tuple[str, str, int]) -> tuple[list[str], int]:
    """Segments of one line (loop IT1), and its amount in cents."""
    upc, sku, price = article
    quantity, unit = draw.between(1, 480), draw.one(UNITS)
    buyer = f"*IN*{draw.between(100000, 999999)}" if draw.happens(0.4) else ""
    segments = [f"IT1*{line}*{quantity}*{unit}*{dollars(price)}*PE*UP*{upc}*VN*{sku}{buyer}"]
    if draw.happens(0.3):
        segments.append(f"CTP**RES*{dollars(price * 2)}")
    segments.append(f"PID*F*08***{describe(draw)}")
    if draw.happens(0.5):
        segments.append(f"PO4*{draw.one((6, 8, 12, 24))}*{draw.one((8, 16, 32))}*OZ")
    if draw.happens(0.2):
        segments.append(f"REF*PK*{draw.between(10**5, 10**6)}")
    return segments, quantity * price


#: How to make one message: the source of what varies, its number in the interchange, and the stock.
MESSAGES: dict[str, Callable[[Draw, int, Stock], bytes]] = {
    "850": purchase_order,
    "856": ship_notice,
    "810": invoice,
}
_GROUPS = {"850": "PO", "856": "SH", "810": "IN"}


def head(kind: str) -> bytes:
    isa = "ISA*00*          *00*          *ZZ*NORTHMARKET    *01*987654321      *261123*1030*^*00501*000000001*0*P*>"
    return f"{isa}~GS*{_GROUPS[kind]}*NORTHMARKET*987654321*20261123*1030*1*X*004010~".encode(CHARSET)


def tail(count: int) -> bytes:
    return f"GE*{count}*1~IEA*1*000000001~".encode(CHARSET)
