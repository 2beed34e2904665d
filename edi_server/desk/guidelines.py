"""Guidelines as their authors see them: what is wrong with them, and what they ask beyond the standard."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.errors import ConfigurationError
from edi_server.guides import Guide, known_guides, load_guide
from edi_server.guides.refinement import Problem, Refinement, check_refinement, load_refinement
from edi_server.guides.refinement_explaining import ExplainedLine, explain_refinement
from edi_server.located import nearest


class GuidelineChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A guideline against every guide that it is for."""

    #: Such as "nordmarkt-orders".
    name: str
    title: str
    #: Such as "ORDERS D.96A".
    guides: tuple[str, ...]
    problems: tuple[Problem, ...]


class GuidelineExplained(msgspec.Struct, frozen=True, kw_only=True):
    """The effective lines of a guideline, beside what the standard says."""

    name: str
    title: str
    guide: str
    lines: tuple[ExplainedLine, ...]


def check_guidelines(configuration: Configuration, name: str | None = None) -> list[GuidelineChecked]:
    """The named guideline, by its name or the path of its file, or all in the folder of the partner files.

    Raises ConfigurationError if a file cannot be read, NotPossible if there is no such guideline.
    """
    files = _files(configuration) if name is None else [_find(configuration, name)]
    return [_checked(load_refinement(file)) for file in files]


def explain_guideline(configuration: Configuration, name: str) -> GuidelineExplained:
    """What a guideline asks in the first of its versions; raises ConfigurationError with its problems if it has any."""
    refinement = load_refinement(_find(configuration, name))
    checked = _checked(refinement)
    if checked.problems:
        raise ConfigurationError("\n".join(map(str, checked.problems)))
    guide = _guides(refinement)[0]
    return GuidelineExplained(
        name=refinement.name,
        title=refinement.title,
        guide=f"{guide.message} {guide.version}",
        lines=explain_refinement(refinement, guide),
    )


def _files(configuration: Configuration) -> list[Path]:
    return sorted((Path(configuration.settings.paths.partners) / "guidelines").glob("[!.]*.toml"))


def _find(configuration: Configuration, name: str) -> Path:
    if Path(name).is_file():
        return Path(name)
    files = {file.stem: file for file in _files(configuration)}
    if name not in files:
        known = nearest(name, files) if files else "the folder of partner files has none"
        raise NotPossible(f"There is no guideline '{name}'; {known}")
    return files[name]


def _checked(refinement: Refinement) -> GuidelineChecked:
    guides = _guides(refinement)
    problems = check_refinement(refinement, guides)
    if not guides and not problems:
        versions = ", ".join(refinement.versions)
        sentence = f"there is no guide for {refinement.message} {versions}; {_known(refinement)}"
        problems.append(Problem(file=refinement.file, line=None, key="guideline", sentence=sentence))
    return GuidelineChecked(
        name=refinement.name,
        title=refinement.title,
        guides=tuple(f"{guide.message} {guide.version}" for guide in guides),
        problems=tuple(problems),
    )


def _known(refinement: Refinement) -> str:
    versions = known_guides(refinement.syntax)
    if refinement.message not in versions:
        return nearest(refinement.message, versions)
    return f"known versions: {', '.join(versions[refinement.message])}"


def _guides(refinement: Refinement) -> list[Guide]:
    """Those of its versions that we know."""
    known = known_guides(refinement.syntax).get(refinement.message, ())
    return [
        load_guide(syntax=refinement.syntax, version=version, message=refinement.message)
        for version in refinement.versions
        if version in known
    ]
