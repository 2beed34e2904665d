"""SFTP: an endpoint that partners send to and collect from, and mailboxes of theirs that we poll.

`tree` knows what an account may do with which file, without any network; `endpoint` speaks SFTP for it.
"""
