"""Findings gathered while a document is prepared."""

from __future__ import annotations

from edi_server.findings import Finding, Place, Severity

_LONGEST = 80


class Remarks:
    """All that was found, in the order of the document."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def refuse(
        self, code: str, sentence: str, field: str, *, found: str | None = None, expected: str | None = None
    ) -> None:
        """Something that forbids posting."""
        self._add("error", code, sentence, Place(field=field), found, expected)

    def warn(
        self, code: str, sentence: str, field: str, *, found: str | None = None, expected: str | None = None
    ) -> None:
        """Something that is posted otherwise than the partner wrote it."""
        self._add("warning", code, sentence, Place(field=field), found, expected)

    def note(self, code: str, sentence: str, field: str) -> None:
        """Something worth knowing."""
        self._add("note", code, sentence, Place(field=field), None, None)

    def _add(
        self, severity: Severity, code: str, sentence: str, place: Place, found: str | None, expected: str | None
    ) -> None:
        shown = None if found is None else found[:_LONGEST]
        self.found.append(
            Finding(code=code, severity=severity, sentence=sentence, place=place, found=shown, expected=expected)
        )
