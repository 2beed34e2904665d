"""What a message may look like: structure, repetitions, formats, code lists, conditions.

In: a message (segments in normal form). Out: its tree and findings. Never here: partners, profiles, business sense.
The standards' tables are data in `data/`, written by our own converter, tested against independent directories.
"""

from edi_server.guides.checker import Checked, Codes, Depth, check, with_offsets
from edi_server.guides.library import known_guides, known_segments, load_guide, nearest_guide, use_folder
from edi_server.guides.model import Guide, Node, Tree
from edi_server.guides.tree import Numbering, flatten, numbering

__all__ = [
    "Checked",
    "Codes",
    "Depth",
    "Guide",
    "Node",
    "Numbering",
    "Tree",
    "check",
    "flatten",
    "known_guides",
    "known_segments",
    "load_guide",
    "nearest_guide",
    "numbering",
    "use_folder",
    "with_offsets",
]
