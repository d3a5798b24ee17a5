"""Markdown from authors to safe HTML: no raw HTML, no images, no scripts, headings that fit under the page's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title", "class", "aria-label"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "table": {"tabindex"},
    "code": {"class"},
    "th": {"class"},
    "td": {"class"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}
LONGEST = 64 * 1024  # characters that are taken apart: what scripts leave may be made to take a second for 30,000
_ALIGNMENTS = {"text-align:right": "to-end", "text-align:center": "to-center"}


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A picture would be fetched from elsewhere: it becomes its description."""
        return self.renderInlineAsText(tokens[idx].children or [], options, env)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"])


_PARSER = _parser()


@lru_cache(maxsize=64)
def render(text: str, *, top: int = 2, anchors: str = "") -> str:
    """HTML of `text`. Its highest heading becomes <h{top}> and no level is skipped; `anchors` is a prefix for ids of
    headings, which get none without it (two documents on one page must not share ids). What is very long stays as it
    was written."""
    if len(text) > LONGEST:
        return f'<pre tabindex="0">{escape(text)}</pre>'
    tokens = _PARSER.parse(text)
    _fit_headings(tokens, top=top)
    if anchors:
        _name_headings(tokens, prefix=anchors)
    for token in tokens:
        _classes_for_styles(token)
    _plain_corners(tokens)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    html = html.replace("<pre>", '<pre tabindex="0">').replace("<table>", '<table tabindex="0">')
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


@dataclass(frozen=True)
class Heading:
    id: str
    title: str


def outline(text: str, *, anchors: str) -> list[Heading]:
    """The highest headings of `text`, as `render` names them."""
    if len(text) > LONGEST:
        return []
    tokens = _PARSER.parse(text)
    _fit_headings(tokens, top=2)
    _name_headings(tokens, prefix=anchors)
    return [
        Heading(id=str(heading.attrGet("id")), title=inline.content)
        for heading, inline in pairwise(tokens)
        if heading.type == "heading_open" and heading.tag == "h2"
    ]


def _fit_headings(tokens: Sequence[Token], *, top: int) -> None:
    used: list[int] = []  # levels of the open headings, outermost first
    for opening, closing in zip(tokens, tokens[2:], strict=False):
        if opening.type != "heading_open":
            continue
        level = int(opening.tag[1])
        while used and used[-1] >= level:
            used.pop()
        used.append(level)
        opening.tag = closing.tag = f"h{min(top + len(used) - 1, 6)}"


def _name_headings(tokens: Sequence[Token], *, prefix: str) -> None:
    seen: dict[str, int] = {}
    for heading, inline in pairwise(tokens):
        if heading.type != "heading_open":
            continue
        slug = re.sub(r"[^\w]+", "-", inline.content.lower()).strip("-") or "section"
        seen[slug] = seen.get(slug, 0) + 1
        heading.attrSet("id", f"{prefix}-{slug}" + (f"-{seen[slug]}" if seen[slug] > 1 else ""))


def _plain_corners(tokens: Sequence[Token]) -> None:
    """A heading of a table that says nothing is no heading."""
    for opening, inline, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not inline.content:
            opening.tag = closing.tag = "td"


def _classes_for_styles(token: Token) -> None:
    """Column alignment arrives as a style attribute, which the content policy forbids."""
    style = token.attrs.pop("style", None)
    if style in _ALIGNMENTS:
        token.attrSet("class", _ALIGNMENTS[str(style)])
