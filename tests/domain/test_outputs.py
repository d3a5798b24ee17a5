import pytest

from runbooks.domain.outputs import LARGEST_FILE_BYTES, parse


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"", {}),
        (b"a=1\n\n b", {"a": "1"}),
        (b"a=1", {"a": "1"}),
        (b"a=x=y<<z\n", {"a": "x=y<<z"}),
        (b"a= spaced \n", {"a": " spaced "}),
        (b"a=\n", {"a": ""}),
        (b"a=1\na=2\n", {"a": "2"}),
        (b"a<<EOF\nx\n\ny=1\nEOF\nb=2\n", {"a": "x\n\ny=1", "b": "2"}),
        (b"a<<EOF\nEOF\n", {"a": ""}),
        (b"a<<EOF\n\nEOF\n", {"a": ""}),
        (b"a<<E=F\nx\nE=F", {"a": "x"}),
        (b"a=\xff\xc3\xa9\n", {"a": "\ufffdé"}),
    ],
)
def test_outputs_are_read(data: bytes, values: dict[str, str]) -> None:
    assert parse(data).values == values


@pytest.mark.parametrize(
    ("data", "kept", "complaint"),
    [
        (b"a=1\nnonsense\nb=2\n", {"a": "1", "b": "2"}, "Line 2 of the output file is neither"),
        (b"a=1\nBad=2\n", {"a": "1"}, "Line 2 of the output file does not begin with an output name"),
        (b"a =1\n", {}, "Line 1 of the output file does not begin with an output name"),
        (b"a=1\nb<<EOF\nx\n", {"a": "1"}, "Line 2 of the output file: the block that begins there has no closing line"),
        (b"a=x\0y\n", {}, "holds a NUL character"),
    ],
)
def test_what_is_broken_is_told_and_the_rest_kept(data: bytes, kept: dict[str, str], complaint: str) -> None:
    outputs = parse(data)
    assert outputs.values == kept
    assert complaint in " ".join(outputs.complaints)


@pytest.mark.parametrize(
    "data",
    [
        b"AKIA-the-key-of-the-bank-which-is-long-enough-to-be-cut-in-two\n",
        b"AKIA-the-key-of-the-bank-which-is-long-enough-to-be-cut-in-two=\n",
        b"AKIA-the-key-of-the-bank<<AKIA-the-key-of-the-bank\n",
        b"value=AKIA-the-key\0\n",
    ],
)
def test_nothing_that_a_script_wrote_is_quoted_since_the_beginning_of_a_secret_is_not_masked(data: bytes) -> None:
    assert "AKIA" not in " ".join(parse(data).complaints)


def test_complaints_are_few_and_short() -> None:
    outputs = parse(b"nonsense" * 1000 + b"\n" + b"x\n" * 1000)
    assert len(outputs.complaints) == 6
    assert all(len(complaint) < 200 for complaint in outputs.complaints)


def test_a_too_large_file_keeps_its_first_whole_lines() -> None:
    outputs = parse(b"a=1\nb=" + b"x" * LARGEST_FILE_BYTES)
    assert outputs.values == {"a": "1"}
    assert "larger than 1 MiB" in outputs.complaints[0]
