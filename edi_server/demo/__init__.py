"""The demo: the main job, end to end, on embedded defaults, for people who see it for the first time.

In: a folder. Out: what happened, as it happens, and an exit code. It only does what anybody could: it starts
`edi-server serve` as a process of its own, drops files into mailboxes, and acts at the desk.
"""

from __future__ import annotations

from pathlib import Path


def run_demo(folder: Path) -> int:
    """Run it in that folder, which is made anew and kept; 0 if everything came out as it should, else 1.

    Raises ConfigurationError if the folder is somebody else's.
    """
    from edi_server.demo.play import Play

    return Play(folder).run()
