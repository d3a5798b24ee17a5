"""What a runbook is for, in one sentence of its own document."""

import re
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False})
_SENTENCE = re.compile(r".+?[.!?](?=\s|$)", re.DOTALL)
LONGEST = 220  # characters on a card


def purpose(document: str) -> str:
    """The first sentence under the heading “Meaning”; without one, the document's first sentence."""
    text = _first_paragraph(_PARSER.parse(document))
    sentence = _SENTENCE.match(text)
    short = sentence.group() if sentence else text
    return short if len(short) <= LONGEST else short[:LONGEST].rsplit(" ", 1)[0] + " …"


def _first_paragraph(tokens: list[Token]) -> str:
    first, under_meaning = "", False
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            under_meaning = inline.content.strip().lower() == "meaning"
        elif opening.type == "paragraph_open":
            first = first or _plain(inline)
            if under_meaning:
                return _plain(inline)
    return first


def _plain(inline: Token) -> str:
    words = (" " if token.type in {"softbreak", "hardbreak"} else token.content for token in inline.children or [])
    return "".join(words).strip()
