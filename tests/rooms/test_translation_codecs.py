"""Dates and numbers, exactly as precise as they came."""

from decimal import Decimal

import pytest

from edi_server.canonical import When
from edi_server.translation.codecs import CODECS, Unreadable, Unsayable
from edi_server.translation.dates import read_when, write_when

#: (2379, 2380, ISO); those marked False are understood but written in another format.
DATES = [
    ("102", "20261123", "2026-11-23", True),
    ("101", "261123", "2026-11-23", False),
    ("101", "991231", "1999-12-31", False),
    ("203", "202611231030", "2026-11-23T10:30", True),
    ("201", "2611231030", "2026-11-23T10:30", False),
    ("202", "261123103015", "2026-11-23T10:30:15", False),
    ("204", "20261123103015", "2026-11-23T10:30:15", True),
    ("303", "202611231030+01", "2026-11-23T10:30+01:00", True),
    ("303", "202611231030UTC", "2026-11-23T10:30+00:00", False),
    ("304", "20261123103015-05", "2026-11-23T10:30:15-05:00", True),
    ("301", "2611231030GMT", "2026-11-23T10:30+00:00", False),
    ("302", "261123103015Z", "2026-11-23T10:30:15+00:00", False),
    ("602", "2026", "2026", True),
    ("609", "2611", "2026-11", False),
    ("610", "202611", "2026-11", True),
    ("615", "2647", "2026-W47", False),
    ("616", "202647", "2026-W47", True),
    ("718", "2026112320261130", "2026-11-23/2026-11-30", True),
    ("718", "20261123-20261130", "2026-11-23/2026-11-30", False),
    ("711", "2026112320261130", "2026-11-23/2026-11-30", False),
    ("719", "202611230800202611231600", "2026-11-23T08:00/2026-11-23T16:00", True),
    ("713", "26112308002611231600", "2026-11-23T08:00/2026-11-23T16:00", False),
    ("717", "261123261130", "2026-11-23/2026-11-30", False),
    ("710", "202611202612", "2026-11/2026-12", True),
    ("716", "202647202648", "2026-W47/2026-W48", True),
]
UNKNOWN = [
    ("102", "199708301200"),
    ("102", "20260230"),
    ("102", "2026112"),
    ("203", "202611232460"),
    ("616", "202660"),
    ("718", "20261123"),
    ("718", "20261123/20261130"),
    ("303", "202611231030CET"),
    ("999", "whatever"),
    ("", "20261123"),
    ("102", "٢٠٢٦١١٢٣"),
    ("602", "0000"),
]


@pytest.mark.parametrize(("code", "text", "iso", "written"), DATES)
def test_a_date_keeps_its_precision(code, text, iso, written):
    value = read_when(text, code)
    assert value == When(iso=iso)
    again = write_when(value)
    assert again == (text, code) if written else read_when(*again) == value


@pytest.mark.parametrize(("code", "text"), UNKNOWN)
def test_what_does_not_fit_its_format_stays_as_it_came(code, text):
    value = read_when(text, code)
    assert value == When(iso=text, format=code)
    assert write_when(value) == (text, code)


@pytest.mark.parametrize(
    "iso",
    [
        "",
        "soon",
        "2026-02-30",
        "2026-11-23T10",
        "2026-11-23T10:30+05:30",
        "2026-11-23T10:30:15.5",
        "2026-11-23/2026-11",
        "23.11.2026",
    ],
)
def test_what_no_format_code_says_is_refused(iso):
    with pytest.raises(Unsayable):
        CODECS["dtm"].write(When(iso=iso))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", "1"), ("-1.50", "-1.50"), ("99,0", "99.0"), (".5", "0.5"), ("5.", "5"), ("007", "7"), ("0", "0")],
)
def test_numbers_take_either_decimal_mark(text, number):
    value = CODECS["decimal"].read(text)
    assert value == Decimal(number)
    assert CODECS["decimal"].read(*CODECS["decimal"].write(value)) == value


@pytest.mark.parametrize(
    "text", ["", "1O", "1E5", "NaN", "Infinity", "1_000", " 1", "1.2.3", "+1", "1-", "٣", "²", "9" * 101, "-", "."]
)
def test_what_is_not_a_number_of_edifact_is_refused(text):
    with pytest.raises(Unreadable):
        CODECS["decimal"].read(text)


@pytest.mark.parametrize(("value", "text"), [("1E+3", "1000"), ("0.10", "0.10"), ("1E-7", "0.0000001"), ("-0", "-0")])
def test_numbers_are_written_without_exponent(value, text):
    assert CODECS["decimal"].write(Decimal(value)) == (text,)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999"])
def test_what_is_no_number_is_not_written(value):
    with pytest.raises(Unsayable):
        CODECS["decimal"].write(Decimal(value))


def test_the_other_codecs_go_both_ways():
    assert CODECS["integer"].read("5.0") == 5
    with pytest.raises(Unreadable):
        CODECS["integer"].read("5.5")
    assert CODECS["date8"].write(CODECS["date8"].read("20261123")) == ("20261123",)
    with pytest.raises(Unreadable):
        CODECS["date8"].read("2611")
    with pytest.raises(Unsayable):
        CODECS["date8"].write(When(iso="2026-11"))
    for day, clock in (("20261123", ""), ("20261123", "1030"), ("20261123", "103015")):
        assert CODECS["date_time"].write(CODECS["date_time"].read(day, clock)) == (day, clock)
    with pytest.raises(Unreadable):
        CODECS["date_time"].read("20261123", "10")
    with pytest.raises(Unsayable):
        CODECS["date_time"].write(When(iso="2026-W47"))
