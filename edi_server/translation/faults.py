"""The findings of translation, each with its code and sentence in one place; documented in docs/findings.md."""

from __future__ import annotations

from edi_server.findings import Finding, Place
from edi_server.translation.plan import Frame, Site, Spot, tag_of

_SHOWN = 80


def _place(frame: Frame, spot: Spot | None, number: int | None, field: str | None) -> Place:
    element = spot.choice.elements[0] if spot and spot.choice.elements else None
    component = spot.components[0] if spot and spot.composite else None
    return Place(
        segment=number,
        tag=frame.tag or None,
        group=frame.path or None,
        element=element,
        component=component,
        field=field,
    )


def not_readable(frame: Frame, site: Site, spot: Spot, number: int, text: str, why: str) -> Finding:
    """`profile.value-unreadable`: the codec cannot read the text."""
    return Finding(
        code="profile.value-unreadable",
        severity="error",
        sentence=f"{spot.element.name} {_cut(text)!r} {why}, so {_words(site.name)} was left out.",
        place=_place(frame, spot, number, site.name),
        found=_cut(text),
        expected=site.codec.name,
    )


def not_understood(frame: Frame, site: Site, spot: Spot, number: int, text: str, code: str) -> Finding:
    """`profile.date-unknown`: the date does not fit its format, or the format is unknown; it is kept as text."""
    return Finding(
        code="profile.date-unknown",
        severity="warning",
        sentence=f"The date {_cut(text)!r} does not fit format {code or '(none)'}; it is kept as text.",
        place=_place(frame, spot, number, site.name),
        found=_cut(f"{text}:{code}"),
        expected="a date in a format of code list 2379 that we read",
    )


def code_unlisted(frame: Frame, site: Site, spot: Spot, number: int, text: str) -> Finding:
    """`profile.code-unlisted`: the profile does not say what the code means."""
    known = ", ".join(sorted(site.codes.reading)) if site.codes else ""
    return Finding(
        code="profile.code-unlisted",
        severity="error",
        sentence=f"We have not agreed what {spot.element.name} {_cut(text)!r} means, so {_words(site.name)} "
        "was left out.",
        place=_place(frame, spot, number, site.name),
        found=_cut(text),
        expected=_cut(known),
    )


def constant_differs(frame: Frame, site: Site, spot: Spot, number: int | None, text: str) -> Finding:
    """`profile.constant-differs`: the agreed value is another one."""
    return Finding(
        code="profile.constant-differs",
        severity="warning",
        sentence=f"{spot.element.name} is {_cut(text)!r}, but {site.line.value!r} was agreed."
        if text
        else f"{spot.element.name} is missing, but {site.line.value!r} was agreed.",
        place=_place(frame, spot, number, None),
        found=_cut(text) or None,
        expected=site.line.value,
    )


def computed_differs(frame: Frame, spot: Spot, number: int, text: str, expected: str) -> Finding:
    """`profile.computed-differs`: a count or control sum is not what the document gives."""
    return Finding(
        code="profile.computed-differs",
        severity="error",
        sentence=f"{spot.element.name} says {_cut(text)}, but the document gives {expected}.",
        place=_place(frame, spot, number, None),
        found=_cut(text),
        expected=expected,
    )


def more_than_one(frame: Frame, site: Site, number: int) -> Finding:
    """`profile.more-than-one`: a record that there can be one of is there again; the first was taken."""
    return Finding(
        code="profile.more-than-one",
        severity="warning",
        sentence=f"There is more than one {_words(site.name)}; the first was taken.",
        place=_place(frame, None, number, site.name),
    )


def not_sayable(frame: Frame, site: Site, spot: Spot | None, field: str, value: object, why: str) -> Finding:
    """`profile.value-unsayable`: what the document says cannot be written there."""
    return Finding(
        code="profile.value-unsayable",
        severity="error",
        sentence=f"{_words(site.name).capitalize()} {_cut(str(value))!r} {why}, so it was not written.",
        place=_place(frame, spot, None, field),
        found=_cut(str(value)),
    )


def no_code(frame: Frame, site: Site, spot: Spot, field: str, value: object) -> Finding:
    """`profile.code-missing`: the profile has no code for the value."""
    return Finding(
        code="profile.code-missing",
        severity="error",
        sentence=f"We have not agreed a code for {_words(site.name)} {_cut(str(value))!r}, so it was not written.",
        place=_place(frame, spot, None, field),
        found=_cut(str(value)),
        expected=_cut(", ".join(site.codes.writing)) if site.codes else None,
    )


def too_long(frame: Frame, site: Site, spot: Spot, field: str, text: str, room: int, parts: int = 1) -> Finding:
    """`profile.text-too-long`: there is no room for the text, and texts are never cut."""
    where = f"{parts} lines of {room} characters" if parts > 1 else f"{room} characters"
    return Finding(
        code="profile.text-too-long",
        severity="error",
        sentence=f"{_words(site.name).capitalize()} does not fit into {where}, so it was not written.",
        place=_place(frame, spot, None, field),
        found=_cut(text),
        expected=f"at most {where}",
    )


def misfiled(frame: Frame, site: Site, field: str, value: str) -> Finding:
    """`profile.misfiled`: an item that another line would read stands in this list."""
    return Finding(
        code="profile.misfiled",
        severity="error",
        sentence=f"{value!r} does not belong into {_words(site.name)}: it would be read as something else. "
        "It was not written.",
        place=_place(frame, None, None, field),
        found=_cut(value),
    )


def place_taken(frame: Frame, site: Site, spot: Spot, field: str, value: str) -> Finding:
    """`profile.place-taken`: two values want the same place of a segment, or there is no further place."""
    return Finding(
        code="profile.place-taken",
        severity="error",
        sentence=f"There is no place left in {frame.tag} for {_words(site.name)} {_cut(value)!r}, so it was "
        "not written.",
        place=_place(frame, spot, None, field),
        found=_cut(value),
    )


def no_place(field: str, text: str) -> Finding:
    """`profile.no-place`: a kept segment has no place in the target."""
    return Finding(
        code="profile.no-place",
        severity="warning",
        sentence=f"The segment {_cut(text)!r} was kept as it came, but has no place in this message.",
        place=Place(field=field, tag=tag_of(text)),
        found=_cut(text),
    )


def incomplete(frame: Frame, site: Site, field: str) -> Finding:
    """`profile.incomplete`: a record lacks what makes it one."""
    return Finding(
        code="profile.incomplete",
        severity="error",
        sentence=f"{_words(site.name).capitalize()} is missing, and without it the rest says nothing. "
        "It was not written.",
        place=_place(frame, None, None, field),
    )


def _cut(text: str) -> str:
    return text[:_SHOWN]


def _words(name: str) -> str:
    return name.replace("_", " ")
