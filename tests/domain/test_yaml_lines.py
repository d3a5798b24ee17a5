from runbooks.domain.syntax.yaml_lines import lines_of

TEXT = """\
kind: Runbook
spec:
  steps:
    - id: one
      script: |
        echo
    - id: two
"a/b": {"~": 1}
"""


def test_a_pointer_leads_to_the_line_of_what_it_names() -> None:
    pointers = ["/kind", "/spec/steps", "/spec/steps/0/script", "/spec/steps/1", "/spec/steps/1/id", "/a~1b/~0"]
    assert lines_of(TEXT, pointers) == [1, 3, 5, 7, 7, 8]


def test_what_is_missing_is_shown_where_it_should_be() -> None:
    assert lines_of(TEXT, ["/spec/steps/1/script", "/spec/steps/9", "/metadata", ""]) == [7, 3, 1, 1]


def test_what_is_no_yaml_has_no_lines() -> None:
    assert lines_of("a: [", ["/a"]) == [None]
    assert lines_of("", ["/a"]) == [None]
