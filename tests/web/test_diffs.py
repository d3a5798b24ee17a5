from django.template.loader import render_to_string

from runbooks.web.diffs import parsed

TEXT = "--- version 1\n+++ version 2\n@@ -3,3 +3,3 @@\n same\n-old <b>\n+new\n+--- more\n"


def test_rows_carry_their_sign_and_their_lines_on_both_sides() -> None:
    diff = parsed(TEXT)
    assert [(row.kind, row.sign, row.old, row.new, row.text) for row in diff.rows[1:]] == [
        ("same", "", 3, 3, "same"),
        ("removed", "\u2212", 4, None, "old <b>"),
        ("added", "+", None, 4, "new"),
        ("added", "+", None, 5, "--- more"),
    ]
    assert (diff.added, diff.removed) == (2, 1)


def test_a_diff_is_escaped_and_says_its_changes_without_colour() -> None:
    html = render_to_string("web/_diff.html", {"diff": parsed(TEXT), "label": "Changes"})
    assert "old &lt;b&gt;" in html
    assert '<td class="diff-sign">+</td>' in html


def test_no_difference_says_so() -> None:
    assert "exactly the same" in render_to_string("web/_diff.html", {"diff": parsed(""), "label": "Changes"})
