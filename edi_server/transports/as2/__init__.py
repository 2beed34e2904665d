"""AS2: business documents over HTTP, signed, encrypted, compressed and receipted (RFC 4130, 5402, 6362).

The core turns bytes into bytes: no network, no clock, no storage. `message` (`making`, `opening`, `asking`) and `mdn`
are what others use of it; `entity` is MIME, `cms`, `signatures`, `verifying`, `encryption` and `decryption` are CMS.
"""
