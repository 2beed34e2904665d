"""Every action that somebody can take, with rights and audit; and what people are shown.

In: an actor and what they typed. Out: what was done, or a view; `EdiServerError` with a sentence that says what to do.
Called alike by command line, API and pages. Never here: launching the engine; work is submitted, the daemon does it.
"""
