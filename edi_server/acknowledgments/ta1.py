"""A verdict → TA1: one segment that says of an interchange of X12 whether its envelope was accepted (X12.5).

It is about ISA and IEA only: what is wrong with groups and messages is said by 997 and 999, which an interchange that
TA1 rejects does not get.
"""

from __future__ import annotations

from datetime import datetime

from edi_server.acknowledgments.naming import is_x12
from edi_server.acknowledgments.pieces import segment
from edi_server.acknowledgments.verdict import Verdict, reported
from edi_server.acknowledgments.x12_error_codes import note_code
from edi_server.envelope.model import InterchangeHeader
from edi_server.findings import Finding
from edi_server.guides.value_faults import is_date, is_time

#: TA104.
ACCEPTED, WITH_ERRORS, REJECTED = "A", "E", "R"
#: TA105 where there is nothing to note.
NO_ERROR = "000"


def write_ta1(verdict: Verdict, *, received_at: datetime, report_warnings: bool = False) -> list[str]:
    """The TA1 about an interchange, in normal form: one segment, which stands between ISA and the first GS.

    TA102 and TA103 repeat date and time of the interchange; `received_at` (in the time zone that the partner is told
    times in) is written where these are none. Raises ValueError if the verdict has an `obstacle`, or is about EDIFACT.
    """
    header = verdict.subject.header
    if verdict.obstacle or not is_x12(header):
        raise ValueError(verdict.obstacle or "An interchange of EDIFACT is not answered with a TA1.")
    code, note = _decision(verdict, report_warnings=report_warnings)
    number = header.control_reference.rjust(9, "0")
    return [segment("TA1", number, *_times(header, received_at), code, note)]


def _decision(verdict: Verdict, *, report_warnings: bool) -> tuple[str, str]:
    if verdict.cause is not None:
        return REJECTED, note_code(verdict.cause)
    noted = _noted(verdict, report_warnings=report_warnings)
    return (WITH_ERRORS, note_code(noted)) if noted else (ACCEPTED, NO_ERROR)


def _noted(verdict: Verdict, *, report_warnings: bool) -> Finding | None:
    return next(iter(reported(verdict.subject.findings, warnings=report_warnings)), None)


def _times(header: InterchangeHeader, received_at: datetime) -> tuple[str, str]:
    date = header.date if len(header.date) == 6 and is_date(header.date) else received_at.strftime("%y%m%d")
    time = header.time if len(header.time) == 4 and is_time(header.time) else received_at.strftime("%H%M")
    return date, time
