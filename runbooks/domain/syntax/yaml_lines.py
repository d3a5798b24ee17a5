"""Where in a YAML text a pointer points: editors show problems beside the line."""

from collections.abc import Iterable

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode


def lines_of(text: str, pointers: Iterable[str]) -> list[int | None]:
    """The lines, from 1, of what the pointers name, or of the nearest thing around each that is there. None where
    TEXT is not YAML. Only for text that `read_yaml` has accepted: this knows no limits."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        root = None
    return [_line_of(root, pointer) if root else None for pointer in pointers]


def _line_of(node: Node, pointer: str) -> int:
    line = node.start_mark.line
    for token in pointer.split("/")[1:]:
        found = _child(node, token.replace("~1", "/").replace("~0", "~"))
        if found is None:
            break
        key, node = found
        line = key.start_mark.line
    return int(line) + 1


def _child(node: Node, token: str) -> tuple[Node, Node] | None:
    """The node that stands where the child begins, and the child."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == token), None)
    if isinstance(node, SequenceNode) and token.isdigit() and int(token) < len(node.value):
        child = node.value[int(token)]
        return child, child
    return None
