"""The port to the ERP, and Odoo behind it.

In: canonical documents. Out: records posted exactly once; deliveries done. Never here: syntax, partners' formats.
"""
