"""Trying AS2 with a partner, step by step: certificates of both sides, our listener, their station."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from edi_server.config import Configuration
from edi_server.engine.as2_agreed import in_order, line_of, read_own
from edi_server.engine.as2_alarms import Gap, alarm_of, own_gap, partner_gap
from edi_server.engine.network.trying import try_listener
from edi_server.partners import Partner
from edi_server.transports.as2.certificates import described
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step, probe


def try_as2(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    """See `Trial`. No message is sent."""
    now = datetime.now(UTC)
    own = in_order(read_own(configuration), now)
    if own:
        yield Step("our certificate", own[0].signs(now), described(own[0].key.certificate, now))
        yield from _soon("our certificates", own_gap(own, now), now)
    else:
        yield Step("our certificate", False, "transports.as2.keys is empty")
    line = line_of(partner, tuple(one.key for one in own), configuration)
    keys = line.relation.keys
    for one in keys.partner:
        yield Step("their certificate", now <= one.certificate.not_valid_after_utc, described(one.certificate, now))
    yield from _soon("their certificates", partner_gap(keys, line.relation.terms, now), now)
    assert partner.as2 is not None
    if keys.partner and not keys.verifying(now):
        yield Step("verifying", False, "none of their certificates is valid now")
    if partner.as2.url and partner.as2.encrypt != "no" and keys.encrypting(now) is None:
        yield Step("encrypting", False, "none of their certificates is valid and switched to")
    if configuration.settings.transports.as2.listen:
        yield from try_listener(configuration.settings.transports.as2.listen, "transports.as2.listen", loop)
    if partner.as2.url:
        yield from loop.run(probe(partner.as2.url, tls=line.tls), 120)


def _soon(name: str, gap: Gap | None, now: datetime) -> Iterator[Step]:
    """What will be missing before long."""
    alarm = alarm_of(gap, now) if gap else None
    if alarm is not None:
        yield Step(name, True, alarm.sentence, warns=True)
