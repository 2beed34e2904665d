"""EDI server: the B2B exchange between trading partners and Odoo.

The rooms, in the order a document walks through them, are in `docs/the-walk.md`.
"""

__version__ = "0.1.0"
