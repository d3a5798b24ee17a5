from runbooks.domain.problems import MOST_PROBLEMS, Invalid, Problem, pointer_to


def test_a_pointer_is_escaped_as_rfc_6901_says() -> None:
    assert pointer_to("spec", "steps", 0, "a/b~c", "") == "/spec/steps/0/a~1b~0c/"
    assert pointer_to() == ""


def test_a_pointer_can_always_be_printed() -> None:
    assert pointer_to("a\ud800\0").encode() == b"/a\\ud800\\u0000"


def test_invalid_tells_each_problem_but_not_endlessly_many() -> None:
    invalid = Invalid(Problem(f"/{number}", "bad", "This is bad.") for number in range(1000))
    assert len(invalid.problems) == MOST_PROBLEMS
    assert str(invalid).splitlines()[1] == "/1: This is bad."
    assert str(Invalid([Problem("", "bad", "All is bad.")])) == "the document: All is bad."
