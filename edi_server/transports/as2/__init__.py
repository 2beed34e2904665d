"""AS2: business documents over HTTP, signed, encrypted, compressed and receipted (RFC 4130, 5402, 6362).

The core (`ber`, `entity`, `cms`, `message`, `mdn`) turns bytes into bytes: no network, no clock, no storage.
"""
