"""Database, archive, control numbers, timeline: what the server remembers, and never loses.

In: records of what happened. Out: the same records. Never here: deciding what happens next, reading bytes, sending.

    with Store.open("sqlite:///var/edi-server.db", Path("var/archive")) as store:
        archived = store.archive.put(stream)                      # fsynced, content-addressed
        with store.begin() as work:                               # one transaction
            taken = work.transmissions.take(Transmission(id=claim_id, direction="inbound", …))

`store.begin()` gives a unit of work that commits at the end of its block, `store.read()` one that only reads. A unit
of work belongs to one thread; the store to all. What may be asked of it, by the words of the trade:

    work.transmissions    take, stage, move, record_attempt, find_same_bytes, unfinished, newest, lineage
    work.opening          discard_unfinished, write, withdraw_documents, close_interchange, finish
    work.interchanges     add, find_same_reference, find_same_content, find_sent, mark_waiting, mark_acknowledged,
                          mark_overdue, of, messages, newest
    work.documents        add, change, place, mark_delivery, search, newest, rejected, earlier_unfinished,
                          held_behind, of
    work.ledger           claim_key, record_posted, release_key
    work.acknowledgments  record_sent, receive, about, carried_by
    work.cases            open, move, settle, about, newest
    work.dead_letters     park, resume, resolve, newest
    work.control_numbers  next_control_number, next_control_numbers
    work.watermarks       reached, advance
    work.timeline         add, of

Everything that a crash may make the engine do twice changes nothing the second time, and says so by what it returns.
Changes of status are checked against `states` and write their event in the same transaction.

Raises `StoreError` (passing: do the whole block again; permanent: somebody has to look) and `ConfigurationError` (the
URL, or tables of another version).
"""

from edi_server.store.acknowledgments import Matched
from edi_server.store.archive import Archive, Archived, FolderArchive, MemoryArchive
from edi_server.store.documents import ToPost
from edi_server.store.ledger import Claimed
from edi_server.store.migration import upgrade
from edi_server.store.one_daemon import OneDaemon
from edi_server.store.opening import Opened
from edi_server.store.records import (
    Acknowledgment,
    Case,
    ControlNumber,
    DeadLetter,
    DeliveryAttempt,
    Document,
    Event,
    Interchange,
    Message,
    Posting,
    Subject,
    Transmission,
    Watermark,
    business_key,
    new_id,
)
from edi_server.store.store import Store, Work
from edi_server.store.transmissions import Taken

__all__ = [
    "Acknowledgment",
    "Archive",
    "Archived",
    "Case",
    "Claimed",
    "ControlNumber",
    "DeadLetter",
    "DeliveryAttempt",
    "Document",
    "Event",
    "FolderArchive",
    "Interchange",
    "Matched",
    "MemoryArchive",
    "Message",
    "OneDaemon",
    "Opened",
    "Posting",
    "Store",
    "Subject",
    "Taken",
    "ToPost",
    "Transmission",
    "Watermark",
    "Work",
    "business_key",
    "new_id",
    "upgrade",
]
