"""A message as nodes: groups hang under the segment that triggers them, nested groups under their parents.

`edi_server.guides.model.Tree` holds a message flat, as segments and positions; this unflattens it for those who want
nodes, and says how nested groups are numbered when a message is written.
"""

from __future__ import annotations

import msgspec

from edi_server.guides.model import Group, Guide, Nesting, Node, Tree

#: Packages within packages deeper than this hang flat under the last one: no real pallet is, and recursion stays safe.
MAX_DEPTH = 50


class Numbering(msgspec.Struct, frozen=True, kw_only=True):
    """How a writer numbers the repetitions of a nested group: 1, 2, 3 … in the order in which they are written.

    Written in pre-order (a package, then what is in it), so that a parent's number is always the smaller one.
    """

    #: Position of the trigger.
    trigger: int
    #: Tag of the trigger, such as "CPS".
    tag: str
    #: (element, component) places, 1-based, of the own and of the parent's number; a root has no parent's number.
    id: tuple[int, int]
    parent: tuple[int, int]


def numbering(guide: Guide) -> dict[int, Numbering]:
    """The nested groups of a guide by position of their trigger (CPS in DESADV and RECADV)."""
    return {
        nesting.trigger: Numbering(
            trigger=nesting.trigger, tag=guide.position(nesting.trigger).tag, id=nesting.id, parent=nesting.parent
        )
        for nesting in guide.nestings
    }


def read_component(segment: str, place: tuple[int, int]) -> str:
    """One component of a segment in normal form (stand-ins kept), "" if absent; places are 1-based."""
    elements = segment.split("+")
    element, component = place
    parts = elements[element].split("*", 1)[0].split(":") if element < len(elements) else []
    return parts[component - 1] if component <= len(parts) else ""


def build(tree: Tree) -> Node:
    """The message as nodes. Never raises: what cannot be nested hangs where it stands, and `check` has said so."""
    root = Node(position=0, tag="", text="", number=0, children=[])
    _hang(tree, root)
    for nesting in tree.guide.nestings:
        _nest(root, tree.guide.groups, nesting)
    return root


def _hang(tree: Tree, root: Node) -> None:
    """Hang every segment under the trigger of its group."""
    groups = tree.guide.groups
    #: The open group occurrences, by trigger; the root is 0.
    last: dict[int, Node] = {0: root}
    owner = [groups[row.index].parent if row.index in groups else row.group for row in tree.guide.positions]
    tags = ["", *(row.tag for row in tree.guide.positions)]
    for number, position, text in tree.walk():
        node = Node(position=position, tag=tags[position], text=text, number=number, children=[])
        last.get(owner[position - 1], root).children.append(node)
        if position in groups:
            last[position] = node


def _nest(root: Node, groups: dict[int, Group], nesting: Nesting) -> None:
    """Hang the occurrences of a nested group under those that their parent's identifier names."""
    for owner in _owners(root, groups[nesting.trigger]):
        placed: dict[str, tuple[Node, int]] = {}
        kept: list[Node] = []
        for node in owner.children:
            parent = placed.get(read_component(node.text, nesting.parent)) if node.position == nesting.trigger else None
            depth = parent[1] + 1 if parent else 0
            if parent and depth < MAX_DEPTH:
                parent[0].children.append(node)
            else:
                kept.append(node)
            own = read_component(node.text, nesting.id) if node.position == nesting.trigger else ""
            if own:
                placed.setdefault(own, (node, depth if depth < MAX_DEPTH else 0))
        owner.children[:] = kept


def _owners(root: Node, group: Group) -> list[Node]:
    """The nodes that hold occurrences of a group; a nested group stands outside any other in all our guides."""
    return [root] if not group.parent else [node for node in _walk(root) if node.position == group.parent]


def _walk(node: Node) -> list[Node]:
    found = [node]
    for seen in found:
        found += seen.children
    return found


def flatten(root: Node) -> list[tuple[int, str]]:
    """(position, segment) of every node in the order in which they are written: the inverse of `build`."""
    nodes, order = list(reversed(root.children)), []
    while nodes:
        node = nodes.pop()
        order.append((node.position, node.text))
        nodes.extend(reversed(node.children))
    return order
