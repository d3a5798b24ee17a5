"""What a runbook is for, in a sentence or two of its own document."""

import re
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False})
_SENTENCE = re.compile(r".+?[.!?](?=\s|$)", re.DOTALL)
ENOUGH, LONGEST = 60, 220  # characters: a shorter sentence takes the next one along, a longer text is cut


def purpose(document: str) -> str:
    """The first sentence under the heading “Meaning”; without that heading, of the document."""
    text = _first_paragraph(_PARSER.parse(document))
    short = ""
    for sentence in _SENTENCE.findall(text):
        short += sentence
        if len(short) >= ENOUGH:
            break
    short = short or text
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
