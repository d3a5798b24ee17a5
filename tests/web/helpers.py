"""What a person reads on a page."""

import html
import re
from typing import Any


def main_text(answer: Any) -> str:
    """The words between <main> and </main>, single-spaced."""
    page = answer.content.decode()
    found = re.search(r"<main.*?</main>", page, re.DOTALL)
    assert found, page[:2000]
    without_tags = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", found[0], flags=re.DOTALL)
    return " ".join(html.unescape(without_tags).split())
