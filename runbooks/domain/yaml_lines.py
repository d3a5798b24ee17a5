"""Where in a YAML text a pointer points: editors show problems beside the line."""

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode


def line_of(text: str, pointer: str) -> int | None:
    """The line, from 1, of what POINTER names, or of the nearest thing around it that is there. None where TEXT is
    not YAML. Call it only with text that `read_yaml` has gone through: it knows no limits."""
    node = composed(text)
    if node is None:
        return None
    line = node.start_mark.line
    for token in pointer.split("/")[1:]:
        found = _child(node, token.replace("~1", "/").replace("~0", "~"))
        if found is None:
            break
        key, node = found
        line = key.start_mark.line
    return int(line) + 1


def composed(text: str) -> Node | None:
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        return None


def _child(node: Node, token: str) -> tuple[Node, Node] | None:
    """The node that stands where the child begins, and the child."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == token), None)
    if isinstance(node, SequenceNode) and token.isdigit() and int(token) < len(node.value):
        child = node.value[int(token)]
        return child, child
    return None
