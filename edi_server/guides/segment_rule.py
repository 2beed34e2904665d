"""One segment as a regular expression: presence, formats, lengths and codes at the speed of C.

The expression says only yes or no; `edi_server.guides.segment_faults` says what is wrong, and a property test holds the
two to the same verdict. Its no is a doubt: it never looks at a repeated element (syntax version 4), at a tag with an
explicit indication of nesting, or at whose list a code is from (1131, 3055). Those are rare, and so left to the
explanation. Its yes is final.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache

from edi_server.guides.model import Element, ElementUse, SegmentDefinition

#: Says whether nothing is wrong with a segment in normal form: None if something is, or may be.
Rule = Callable[[str], re.Match[str] | None]

#: What a value is made of. The apostrophe is never in a normal form; with four characters, other than with three, the
#: expression looks a character up instead of comparing it with each, which is a quarter faster.
_TEXT, _LETTERS = "[^+:*']", "[^+:*'0-9]"


def segment_rule(definition: SegmentDefinition) -> Rule:
    """The rule of a segment."""
    return re.compile(pattern(definition)).fullmatch


def pattern(definition: SegmentDefinition) -> str:
    """The regular expression of a segment: mandatory parts present, nothing superfluous, no separator at an end."""
    return definition.tag + _chain([(_element(use), use.mandatory) for use in definition.elements], r"\+") + "(?<![+:])"


def _chain(parts: list[tuple[str, bool]], separator: str) -> str:
    """Parts with a separator before each; those behind the last mandatory one may be left out from the end."""
    chain, needed = "", False
    for expression, mandatory in reversed(parts):
        chain = separator + expression + chain
        needed = needed or mandatory
        chain = chain if needed else _optional(chain)
    return chain


def _optional(expression: str) -> str:
    """`(?:…|)` says the same as `(?:…)?` and is a third faster, because it sets up no loop."""
    return f"(?:{expression}|)"


def _element(use: ElementUse) -> str:
    """An element, which may be empty if it is conditional."""
    first, *others = use.components
    if use.composite is None:
        return _value(first.element, mandatory=use.mandatory)
    head = _value(first.element, mandatory=first.mandatory)
    tail = _chain([(_value(part.element, mandatory=part.mandatory), part.mandatory) for part in others], ":")
    composite = f"{head}{tail}(?<!:)"
    if any(part.mandatory for part in use.components):
        return composite if use.mandatory else _optional(composite)
    # Without a mandatory component the whole may match nothing at all, which is no presence.
    return f"(?=[^+]){composite}" if use.mandatory else composite


@cache
def _value(element: Element, *, mandatory: bool) -> str:
    """A value of the right characters and length, from its list if it is coded; empty if it may be absent."""
    low, high = element.min_length, element.max_length
    if element.codes is not None:
        form = re.compile(_form(element))
        listed = {code for code in element.codes if form.fullmatch(code)}
        return _any_of(listed if mandatory else {*listed, ""})
    if mandatory:
        return _form(element)
    # One expression is faster than a choice of two.
    return _text(element, 0, high) if element.kind != "n" and low <= 1 else _optional(_form(element))


def _form(element: Element) -> str:
    """A value of the right characters and length."""
    low, high = element.min_length, element.max_length
    return _number(low, high) if element.kind == "n" else _text(element, low, high)


def _text(element: Element, low: int, high: int) -> str:
    return f"{_LETTERS if element.kind == 'a' else _TEXT}{_times(low, high)}+"


def _number(low: int, high: int) -> str:
    """Digits, where sign and decimal mark do not count for the length (ISO 9735 version 3 section 10).

    What has the least length only together with its decimals is left to the explanation.
    """
    return f"-?+[0-9]{_times(low, high)}+{_optional(f'[.,][0-9]++(?<![0-9.,]{_times(high + 2, high + 2)})')}"


def _times(low: int, high: int) -> str:
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


def _any_of(words: Collection[str]) -> str:
    """Any of some words, letter by letter: what they begin with alike is looked at once.

    Nothing has to guard its end: what follows a value in an expression is a separator or nothing.
    """
    rests: dict[str, list[str]] = {}
    for word in sorted(filter(None, words)):
        rests.setdefault(word[0], []).append(word[1:])
    heads: dict[str, list[str]] = {}
    for head, rest in rests.items():
        heads.setdefault(_any_of(rest), []).append(re.escape(head))
    branches = [(first if not more else f"[{first}{''.join(more)}]") + tail for tail, (first, *more) in heads.items()]
    if "" in words:
        branches.append("")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches) or '(?!)'})"


#: For tags that a guide does not have.
ALLOWS_NOTHING: Rule = re.compile("(?!)").fullmatch
