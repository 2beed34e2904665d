"""Profiles as their authors see them: what is wrong with them, and what each effective line does and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.desk.translating import find_agreement, find_partner
from edi_server.engine.corridor import load_agreed_profile
from edi_server.guides import Guide, known_guides, load_guide
from edi_server.located import dotted
from edi_server.partners import Agreement
from edi_server.partners.model import syntax_of
from edi_server.translation import (
    Explained,
    Profile,
    ProfileProblem,
    check_profile,
    load_profile,
    profile_names,
    translator_for,
)
from edi_server.translation.profile import Source


class ProfileChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A profile, alone or as an agreement changes it, against every guide that it is used with."""

    #: Such as "edifact/orders", or "nordmarkt/orders-in" for an agreement's.
    name: str
    profile: str
    version: str
    #: Such as "ORDERS D.96A".
    guides: tuple[str, ...]
    problems: tuple[ProfileProblem, ...]


class ProfileExplained(msgspec.Struct, frozen=True, kw_only=True):
    """The effective lines of an agreement's profile."""

    agreement: str
    profile: str
    version: str
    guide: str
    lines: tuple[Explained, ...]


def check_profiles(
    configuration: Configuration, *, name: str | None = None, partner: str | None = None
) -> list[ProfileChecked]:
    """The named profile, or those of the partner's agreements, or all there are.

    Raises ConfigurationError if a file cannot be read, NotPossible if the name means nothing.
    """
    roots = [Path(configuration.settings.paths.translations)]
    if name is not None:
        return [_check_base(name, roots)]
    book = configuration.load_book()
    wanted = find_partner(book, partner) if partner is not None else None
    agreements = [one for one in book.agreements if wanted is None or one.partner.name == wanted.name]
    bases = [] if wanted is not None else [_check_base(base, roots) for base in profile_names(roots)]
    return bases + [_check_agreed(agreement, roots) for agreement in agreements]


def _check_base(name: str, roots: list[Path]) -> ProfileChecked:
    profile = load_profile(name, roots=roots)
    message = name.rpartition("/")[2].upper()
    versions = known_guides(profile.syntax).get(message, ())
    guides = [load_guide(syntax=profile.syntax, version=version, message=message) for version in versions]
    return _checked(name, profile.name, profile.version, guides, check_profile(profile, guides))


def _check_agreed(agreement: Agreement, roots: list[Path]) -> ProfileChecked:
    profile = load_profile(
        agreement.profile_name,
        roots=roots,
        overrides=agreement.profile_overrides,
        source=agreement.file,
        lines=agreement.profile_lines,
    )
    guides = _guides(agreement)
    return _checked(agreement.id, profile.name, profile.version, guides, check_profile(profile, guides))


def _guides(agreement: Agreement) -> list[Guide]:
    """Guides of the versions that we know; messages of the others are read by the nearest of these."""
    syntax = syntax_of(agreement.versions)
    known = known_guides(syntax).get(agreement.message, ())
    return [
        load_guide(syntax=syntax, version=one, message=agreement.message) for one in agreement.versions if one in known
    ]


def _checked(
    name: str, profile: str, version: str, guides: list[Guide], problems: list[ProfileProblem]
) -> ProfileChecked:
    return ProfileChecked(
        name=name,
        profile=profile,
        version=version,
        guides=tuple(f"{guide.message} {guide.version}" for guide in guides),
        problems=tuple(problems),
    )


def explain_profile(configuration: Configuration, partner: str, what: str) -> ProfileExplained:
    """The lines of the profile of a partner's agreement, named by its key, document or message type.

    Raises NotPossible, and ConfigurationError with the author errors if there are any.
    """
    book = configuration.load_book()
    agreement = find_agreement(book, find_partner(book, partner), what)
    profile = load_agreed_profile(configuration, agreement)
    guides = _guides(agreement)
    if not guides:
        raise NotPossible(f"There is no guide for {agreement.message} {', '.join(agreement.versions)}.")
    translator = translator_for(profile, guides[0])
    return ProfileExplained(
        agreement=agreement.id,
        profile=profile.name,
        version=profile.version,
        guide=f"{guides[0].message} {guides[0].version}",
        lines=(*translator.explain(), *_explain_codes(profile), *_explain_removed(agreement)),
    )


def _explain_codes(profile: Profile) -> Iterator[Explained]:
    for table in profile.codes.values():
        for code in table.codes:
            yield Explained(
                key=f"codes.{table.name}.{code.code}",
                places=(code.code,),
                codec=f"is {code.value}",
                source=code.source,
                why=code.why,
                direction="read" if code.read_only else "both",
            )


def _explain_removed(agreement: Agreement) -> Iterator[Explained]:
    """What the agreement switched off, which is in no profile any more."""
    for key, why in _removed(agreement.profile_overrides, ()):
        line = agreement.profile_lines.get(dotted(key))
        source = Source(agreement.file, line)
        yield Explained(key=dotted(key), places=(), codec="", source=source, why=why, direction="off")


def _removed(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    for key, value in table.items():
        if isinstance(value, dict):
            if value.get("off") is True:
                yield (*path, key), value.get("why")
            else:
                yield from _removed(value, (*path, key))
