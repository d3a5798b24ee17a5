import os
import time

from runbooks.management.embedded import speaker


def read_all(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode()


def test_each_line_of_a_child_stands_under_its_name() -> None:
    reading, writing = os.pipe()
    child_out, child_in = os.pipe()
    says = speaker.Speaker(writing)
    says.follow("web", os.fdopen(child_out, "rb"))
    os.write(child_in, b"one\r\ntwo")
    os.close(child_in)
    says.say("done")
    end = time.monotonic() + 5
    seen = b""
    while seen.count(b"\n") < 3 and time.monotonic() < end:
        seen += os.read(reading, 4096)
    assert sorted(seen.decode().splitlines()) == ["done", "web       | one", "web       | two"]


def test_a_reader_that_never_reads_costs_lines_but_stops_nobody() -> None:
    reading, writing = os.pipe()
    says = speaker.Speaker(writing)
    begun = time.monotonic()
    for number in range(30_000):
        says.say(f"line {number} {'x' * 80}")
    assert time.monotonic() - begun < 10
    says.close(seconds=0.1)
    text = b""
    while b"lines were dropped" not in text:
        text += os.read(reading, 1 << 20)
    assert text.startswith(b"line 0 ")


def test_a_reader_that_went_away_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    says = speaker.Speaker(writing)
    says.say("to nobody")
    says.say("to nobody either")
    says.close(seconds=5)
