"""The ledger of business keys: which document stands for a number, and which record it became. Kept for ever."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, select, update

from edi_server.errors import StoreError
from edi_server.store import states
from edi_server.store.records import Posting, now
from edi_server.store.rows import first, insert_once
from edi_server.store.tables import postings


class Claimed(msgspec.Struct, frozen=True):
    """The answer to a claim."""

    #: "new": the key is this document's; "same content": the key is another's (or this one's) with the same content;
    #: "other content": the key stands for something else, which makes a case (or a change).
    outcome: Literal["new", "same content", "other content"]
    #: The row as it is now: whose it is, and the record if there is one already.
    posting: Posting


class Ledger:
    """One row per business key (see `records.business_key`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim_key(self, key: str, content_hash: str, document_id: str, *, erp: str | None = None) -> Claimed:
        """Claim a key for a document. A released key may be claimed anew with any content.

        Claimed again by the same document with the same content it is "new" until it is posted, so that a retry goes
        on where it was interrupted.
        """
        posting = Posting(key=key, document_id=document_id, content_hash=content_hash, erp=erp)
        if insert_once(self._connection, postings, msgspec.structs.asdict(posting)):
            return Claimed("new", posting)
        there = self._lock(key)
        if there.state == "released":
            self._write(posting)
            return Claimed("new", posting)
        if there.content_hash != content_hash:
            return Claimed("other content", there)
        ours = there.document_id == document_id and there.state == "claimed"
        return Claimed("new" if ours else "same content", there)

    def take_over(self, key: str, content_hash: str, document_id: str) -> Posting:
        """Give a key that is claimed, and not posted, to the document that took its owner's place.

        Raises StoreError (permanent) if it is in another state.
        """
        there = self._lock(key)
        if there.state != "claimed":
            message = f"Key {key} is {there.state}; only what is claimed can be taken over."
            raise StoreError(message, permanent=True)
        posting = msgspec.structs.replace(there, document_id=document_id, content_hash=content_hash, changed_at=now())
        self._write(posting)
        return posting

    def record_posted(self, key: str, *, erp_record_id: int, erp_record_name: str) -> bool:
        """The ERP holds the record. False if that is known; StoreError (permanent) if another record is known."""
        there = self._lock(key)
        if there.state == "posted":
            if there.erp_record_id != erp_record_id:
                message = f"Key {key} became record {there.erp_record_id}, not {erp_record_id}."
                raise StoreError(message, permanent=True)
            return False
        states.POSTING_STATE.check(there.state, "posted")
        self._write(
            msgspec.structs.replace(
                there, state="posted", erp_record_id=erp_record_id, erp_record_name=erp_record_name, changed_at=now()
            )
        )
        return True

    def release_key(self, key: str, document_id: str) -> bool:
        """The ERP refused the content: give the key back, so that a corrected document may claim it.

        False if it is not this document's, or posted, or released already.
        """
        there = self.find(key)
        if there is None or (there.document_id, there.state) != (document_id, "claimed"):
            return False
        self._write(msgspec.structs.replace(self._lock(key), state="released", changed_at=now()))
        return True

    def find(self, key: str) -> Posting | None:
        """The row of a key, or None."""
        return first(self._connection, select(postings).where(postings.c.key == key), Posting)

    def _lock(self, key: str) -> Posting:
        found = first(self._connection, select(postings).where(postings.c.key == key).with_for_update(), Posting)
        if found is None:
            raise StoreError(f"The ledger has no key {key}.", permanent=True)
        return found

    def _write(self, posting: Posting) -> None:
        self._connection.execute(
            update(postings).where(postings.c.key == posting.key).values(msgspec.structs.asdict(posting))
        )
