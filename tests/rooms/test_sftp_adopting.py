"""Folders of SFTP accounts that were named by their user become those of the mailbox, wherever some of it is already."""

from edi_server.config import Configuration
from edi_server.engine.sftp_accounts import adopt_folder, mailboxes_folder, sftp_folder
from edi_server.transports.sftp_account.account import Account


def test_what_lies_in_an_old_folder_is_moved_beside_what_the_new_one_has(tmp_path):
    (tmp_path / "edi-server.toml").write_text("")
    configuration = Configuration.load(tmp_path / "edi-server.toml", {})
    old = sftp_folder(configuration) / "accounts" / "acme-user"
    new = mailboxes_folder(configuration) / "acme"
    for folder, name, content in ((old / "in", "order.edi", "1"), (old / "status", "a.txt", "old"), (old, "x", "2")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (new / "status").mkdir(parents=True)
    (new / "status" / "a.txt").write_text("new")
    adopt_folder(Account(name="acme-user", mailbox="acme"), configuration)
    assert (new / "in" / "order.edi").read_text() == "1"
    assert (new / "x").read_text() == "2"
    assert (new / "status" / "a.txt").read_text() == "new"
    # Nothing is thrown away that has no place.
    assert [path.name for path in old.rglob("*") if path.is_file()] == ["a.txt"]
    adopt_folder(Account(name="acme-user", mailbox="acme"), configuration)
    assert (new / "status" / "a.txt").read_text() == "new"
