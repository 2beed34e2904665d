"""What a value of each kind looks like, as a regular expression: the characters and lengths of EDIFACT and X12.

An expression says only yes or no, and its no is a doubt: rare forms that cost time (29 February, an exponent, a number
that has its least length only with its decimals) are left to `edi_server.guides.value_faults`. Its yes is final.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache

from edi_server.guides.model import Element

#: What a value is made of. Texts have whatever is none of `'*+:` (no normal form has the apostrophe): said in this way,
#: a character is looked up and no more; a negated set turns the answer round for each, which takes a third longer.
_TEXT, _LETTERS, _CODE = r"[\x00-&()\x2c-9;-\U0010ffff]", "[^+:*'0-9]", "[^+:*' ]"
#: Kinds whose value may be any text, so that one of blanks is a value.
TEXTS = frozenset({"a", "an", "AN", "B"})
#: Days that every month has, that all but February have, that seven have. 29 February is left to the explanation.
_MONTH_AND_DAY = "(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"


@cache
def value_form(element: Element, *, mandatory: bool) -> str:
    """A value of the right characters and length, from its list if it is coded; empty if it may be absent."""
    low, high = element.min_length, element.max_length
    if element.codes is not None:
        form = re.compile(_form(element))
        listed = {code for code in element.codes if form.fullmatch(code)}
        return _any_of(listed if mandatory else {*listed, ""})
    if mandatory:
        return _form(element)
    # One expression is faster than a choice of two.
    return _text(element.kind, 0, high) if element.kind in TEXTS and low <= 1 else optional(_form(element))


def optional(expression: str) -> str:
    """`(?:…|)` says the same as `(?:…)?` and is a third faster, because it sets up no loop."""
    return f"(?:{expression}|)"


def _form(element: Element) -> str:
    """A value of the right characters and length."""
    low, high = element.min_length, element.max_length
    special = _SPECIAL.get(element.kind[:1] if element.kind[1:].isdecimal() else element.kind)
    return special(low, high) if special else _text(element.kind, low, high)


def _text(kind: str, low: int, high: int) -> str:
    characters = _LETTERS if kind == "a" else _CODE if kind == "ID" else _TEXT
    return f"{characters}{_times(low, high)}+"


def _number(low: int, high: int) -> str:
    """Digits, where sign and decimal mark do not count for the length (ISO 9735 version 3 section 10)."""
    return f"-?+[0-9]{_times(low, high)}+{optional(f'[.,][0-9]++(?<![0-9.,]{_times(high + 2, high + 2)})')}"


def _whole(low: int, high: int) -> str:
    """N0 to N9: digits, the decimal point being implied (X12.6 3.3.1.1)."""
    return f"-?+[0-9]{_times(low, high)}+"


def _decimal(low: int, high: int) -> str:
    """R: a decimal point where one is needed, which may stand first or last (X12.6 3.3.1.2)."""
    behind = optional(rf"\.[0-9]*+(?<![0-9.]{_times(high + 2, high + 2)})")
    return rf"-?+(?:[0-9]{_times(low, high)}+{behind}|\.[0-9]{_times(low, high)}+)"


def _date(low: int, high: int) -> str:
    """YYMMDD or CCYYMMDD (X12.6 3.3.1.5)."""
    years = [digits for digits in (2, 4) if low <= digits + 4 <= high]
    return f"[0-9]{_times(years[0], years[0])}{_MONTH_AND_DAY}" if len(years) == 1 else "(?!)"


def _time(low: int, high: int) -> str:
    """HHMM, HHMMSS, HHMMSSD or HHMMSSDD (X12.6 3.3.1.6)."""
    hour_and_minute = "(?:[01][0-9]|2[0-3])[0-5][0-9]"
    if low > 4 or high < 4:
        return "(?!)"
    return hour_and_minute if high < 6 else f"{hour_and_minute}{optional(f'[0-5][0-9][0-9]{_times(0, high - 6)}')}"


_SPECIAL: dict[str, Callable[[int, int], str]] = {
    "n": _number,
    "N": _whole,
    "R": _decimal,
    "DT": _date,
    "TM": _time,
}


def _times(low: int, high: int) -> str:
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


def _any_of(words: Collection[str]) -> str:
    """Any of some words."""
    return choice(dict.fromkeys(words, ""))


def choice(bodies: dict[str, str]) -> str:
    """Any of some words with what follows each, letter by letter: what they begin with alike is looked at once.

    Nothing has to guard its end: what follows a value in an expression is a separator or nothing.
    """
    rests: dict[str, dict[str, str]] = {}
    for word in sorted(filter(None, bodies)):
        rests.setdefault(word[0], {})[word[1:]] = bodies[word]
    heads: dict[str, list[str]] = {}
    for head, rest in rests.items():
        heads.setdefault(choice(rest), []).append(re.escape(head))
    branches = [(first if not more else f"[{first}{''.join(more)}]") + tail for tail, (first, *more) in heads.items()]
    if "" in bodies:
        branches.append(bodies[""])
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches) or '(?!)'})"
