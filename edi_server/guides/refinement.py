"""Refinements: what two partners agreed beyond the standard, laid over its guide (docs/refinements.md).

    refinement = load_refinement(Path("partners/guidelines/nordmarkt-orders.toml"))
    guide = refine(load_guide(version="D.96A", message="ORDERS"), refinement)   # tables narrowed, checked at full speed
    checked = check_refined(guide, message.segments, released=message.released)    # and what tables cannot say

A refined guide has the positions of the standard's: what was compiled for the one reads trees of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding
from edi_server.guides.checker import Checked, Codes, Depth, check, with_offsets
from edi_server.guides.model import Guide, Tree
from edi_server.guides.refinement_attributing import attribute, narrows_codes
from edi_server.guides.refinement_code import Quick, quick_check
from edi_server.guides.refinement_judging import judge
from edi_server.guides.refinement_load import load_refinement
from edi_server.guides.refinement_model import Problem, Refinement
from edi_server.guides.refinement_plan import Plan, plan
from edi_server.guides.refinement_static import static_problems
from edi_server.guides.refinement_tables import narrow
from edi_server.guides.tree import read_component

__all__ = ["Problem", "Refinement", "check_refined", "check_refinement", "check_rules", "load_refinement", "refine"]

#: UNH S009 0057, association assigned code.
_ASSOCIATION = (2, 5)


class _Refined(msgspec.Struct, frozen=True):
    """What a refined guide knows about itself."""

    refinement: Refinement
    plan: Plan
    quick: Quick | None
    #: Its tables have code lists that were agreed.
    agreed_codes: bool


def check_refinement(refinement: Refinement, guides: Iterable[Guide]) -> list[Problem]:
    """Everything that is wrong with a guideline, alone and in the guides that it is for. Empty: it can be used."""
    problems = list(refinement.problems)
    for guide in guides:
        if (guide.syntax, guide.message) != (refinement.syntax, refinement.message):
            sentence = f"is for {refinement.message or '(nothing)'}, not for {guide.message}"
            problems.append(Problem(file=refinement.file, line=None, key="guideline.message", sentence=sentence))
        else:
            problems += [*plan(guide, refinement).problems, *static_problems(guide, refinement)]
    return list(dict.fromkeys(problems))


def refine(guide: Guide, refinement: Refinement) -> Guide:
    """The guide with its tables narrowed as the refinement says; kept with the guide, so that asking again is cheap.

    Raises ConfigurationError with every problem of the refinement in this guide.
    """
    known: dict[str, Guide] = vars(guide).setdefault("refined", {})
    refined = known.get(refinement.digest)
    if refined is None:
        problems = check_refinement(refinement, [guide])
        if problems:
            raise ConfigurationError("\n".join(map(str, problems)))
        made = plan(guide, refinement)
        refined = known[refinement.digest] = narrow(made)
        vars(refined)["refinement"] = _Refined(refinement, made, quick_check(made), narrows_codes(made))
    return refined


def check_rules(tree: Tree, refinement: Refinement) -> list[Finding]:
    """What tables cannot say: qualified segments, contents by place, rules across segments.

    `tree` stands in a guide that `refine` gave, or in the standard's. Raises ConfigurationError as `refine` does.
    """
    refined = _refined(tree.guide)
    if refined is None or refined.refinement is not refinement:
        refined = _refined(refine(tree.guide, refinement))
    assert refined is not None
    # Where nothing has a place, the guide says so, and there is nowhere to miss anything.
    if refined.quick is None or not tree.segments or refined.quick(tree.positions, tree.segments):
        return []
    return judge(tree, refined.plan)


def check_refined(
    guide: Guide,
    segments: list[str],
    *,
    released: bool,
    codes: Codes = "auto",
    offsets: Sequence[int] | None = None,
    depth: Depth = "full",
    nearest: bool = False,
) -> Checked:
    """`check` by a guide that `refine` gave, with its rules; findings that a guideline asked for name it.

    By any other guide the same as `check`. Rules are about content: they are asked at full depth only.
    """
    refined = _refined(guide)
    if refined is None:
        return check(guide, segments, released=released, codes=codes, offsets=offsets, depth=depth, nearest=nearest)
    # Agreed codes bind whatever is thought of the directory's: `attribute` gives each its severity.
    judged: Codes = "error" if refined.agreed_codes else codes
    checked = check(guide, segments, released=released, codes=judged, depth=depth, nearest=nearest)
    findings = checked.findings
    if findings:
        known = _judged("warning" if nearest and codes == "auto" else codes, segments)
        findings = list(attribute(findings, refined.plan, segments, known))
    if depth == "full":
        findings = [*findings, *check_rules(checked.tree, refined.refinement)]
    findings = sorted(findings, key=lambda finding: finding.place.segment or 0)
    if findings and offsets is not None:
        findings = with_offsets(findings, offsets)
    return replace(checked, findings=findings)


def _refined(guide: Guide) -> _Refined | None:
    refined = vars(guide).get("refinement")
    return refined if isinstance(refined, _Refined) else None


def _judged(codes: Codes, segments: list[str]) -> Literal["error", "warning", "off"]:
    """How bad a code is that the directory's list does not know, as `check` decides it."""
    if codes != "auto":
        return codes
    return "warning" if segments and read_component(segments[0], _ASSOCIATION) else "error"
