"""What authors write can teach, and can do nothing else."""

import pytest

from runbooks.web.markdown import LONGEST, outline, render


def test_the_highest_heading_comes_right_under_the_title_of_the_page() -> None:
    assert "<h2>Meaning</h2>" in render("# Meaning")
    assert "<h2>Meaning</h2>" in render("### Meaning")
    assert "<h3>Meaning</h3>" in render("# Meaning", top=3)


def test_no_level_of_headings_is_skipped() -> None:
    html = render("# One\n#### Two\n# Three")
    assert "<h2>One</h2>" in html
    assert "<h3>Two</h3>" in html
    assert "<h2>Three</h2>" in html


def test_headings_get_distinct_ids_only_where_asked() -> None:
    assert 'id="doc-undo"' in render("# Undo\n# Undo", anchors="doc")
    assert 'id="doc-undo-2"' in render("# Undo\n# Undo", anchors="doc")
    assert "id=" not in render("# Undo")


def test_an_image_is_only_its_description() -> None:
    html = render("see ![the graph](https://elsewhere.example/x.png)")
    assert "see the graph" in html
    assert "elsewhere" not in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
    ],
)
def test_nothing_that_runs_gets_through(text: str) -> None:
    html = render(text)
    for part in ("<script", "<img", 'href="javascript', 'href="data:'):
        assert part not in html


def test_aligned_columns_carry_a_class_and_no_style() -> None:
    html = render("| a | b |\n|---:|:--:|\n| 1 | 2 |")
    assert '<td class="to-end">1</td>' in html
    assert '<td class="to-center">2</td>' in html
    assert "style" not in html


def test_code_blocks_can_be_scrolled_by_keyboard() -> None:
    assert '<pre tabindex="0">' in render("```\nlong\n```")


def test_an_empty_corner_of_a_table_is_no_heading() -> None:
    html = render("| | b |\n|---|---|\n| 1 | 2 |")
    assert "<td></td>\n<th>b</th>" in html


@pytest.mark.parametrize("piece", ["![", "[a](", "**a", "&", "# <b>\n"])
def test_what_a_script_leaves_to_stall_the_page_is_shown_as_it_is(piece: str) -> None:
    """A megabyte of it took up to forty seconds, each time that somebody looked."""
    html = render(piece * (1024 * 1024 // len(piece)), anchors="doc")
    assert html.startswith('<pre tabindex="0">')
    assert "<b>" not in html
    assert outline(piece * LONGEST, anchors="doc") == []
