"""YAML 1.2, core schema, from outside: one document, no tags, no repeated fields, aliases within limits."""

import json
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner, ScannerError

from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.json_text import decode_text
from runbooks.domain.syntax.json_tree import MAX_DEPTH
from runbooks.domain.syntax.yaml_tree import Limits, TreeBuilder

MAX_BYTES = 1024 * 1024  # the parser reads about a megabyte a second
MAX_NODES = 20_000
MAX_TAG_LENGTH = 100

# YAML 1.1 broke lines at these characters and so does the parser; YAML 1.2 does not, and a script must keep its bytes.
_TAG_END = re.compile(r"[\s\0]")
_OLD_LINE_BREAK = re.compile("[\x85\u2028\u2029]")


def read_yaml(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> object:
    """The value that DATA spells; raises Invalid with everything that is wrong with it, by line and column."""
    text = decode_text(data, max_bytes=max_bytes)
    if found := _OLD_LINE_BREAK.search(text):
        spelt = f"\\u{ord(found[0]):04x}"
        raise _malformed(f'The character {spelt} must be spelt "{spelt}", in double quotes', text, found.start())
    builder = TreeBuilder(Limits(depth=max_depth, nodes=max_nodes, characters=max_bytes))
    _feed(builder, text)
    if builder.documents == 0:
        raise Invalid([Problem("", "malformed_yaml", "There is nothing here (line 1, column 1).")])
    if builder.problems:
        raise Invalid(builder.problems)
    # A copy: two uses of one alias must not become one object that changes in two places.
    return json.loads(json.dumps(builder.root)) if builder.aliases else builder.root


class _Scanner(Scanner):
    """The parser's own, but for tags: it takes a time that grows with the square of their length."""

    def scan_tag(self) -> Any:
        self._refuse_long_tag()
        return super().scan_tag()

    def scan_tag_uri(self, name: Any, start_mark: Any) -> Any:
        self._refuse_long_tag()
        return super().scan_tag_uri(name, start_mark)

    def _refuse_long_tag(self) -> None:
        if not _TAG_END.search(self.reader.prefix(MAX_TAG_LENGTH)):
            raise ScannerError(None, None, "tags are not accepted", self.reader.get_mark())


def _feed(builder: TreeBuilder, text: str) -> None:
    parser = YAML(typ="safe", pure=True)
    parser.Scanner = _Scanner
    try:
        for event in parser.parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ": ".join(part for part in (error.context, error.problem) if part)
        raise _malformed(said, text, mark.index if mark else 0) from None
    except ReaderError as error:
        raise _malformed("A control character is not allowed", text, error.position) from None
    except YAMLError as error:
        raise _malformed(str(error), text, 0) from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, Invalid):
            raise
        # The parser's own slip: an escape such as "\UFFFFFFFF" beyond the last character there is.
        raise _malformed("An escape names a character that does not exist", text, 0) from None


def _malformed(said: str, text: str, index: int) -> Invalid:
    line, column = text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1
    return Invalid([Problem("", "malformed_yaml", f"This is not YAML: {said} (line {line}, column {column}).")])
