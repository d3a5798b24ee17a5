"""What a script leaves beside its output, as far as it is taken."""

from runbooks.execution.left import LARGEST_SUMMARY_BYTES, Left, take_summary


def test_a_summary_is_cut_between_lines_so_that_no_half_of_a_secret_stays() -> None:
    left, secret = Left(), b"AKIA-the-key-of-the-bank"
    take_summary(b"first\n" + b"x" * (LARGEST_SUMMARY_BYTES - 16) + b"\n" + secret + b"\n", left)
    assert left.summary.endswith("x\n")
    assert "AKIA" not in left.summary
    assert "1 MiB" in left.complaints[0]


def test_of_one_endless_line_nothing_is_taken() -> None:
    left = Left()
    take_summary(b"x" * (LARGEST_SUMMARY_BYTES + 1), left)
    assert left.summary == ""
