"""Mailboxes on partners' own SFTP servers, which we poll and deliver to.

`remote` connects, `pulling` collects (`resting`, `reading`, `removing`), `pushing` delivers, `trying` tries all of it.
"""
