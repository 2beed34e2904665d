"""The book of trading partners and agreements: who sent this, what was agreed.

In: partner files. Out: frozen records and look-ups. Never here: secrets, state.
"""
