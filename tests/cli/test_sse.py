import pytest

from runbooks.cli.sse import Event, Parser

STREAM = (
    ": hello\r\n\r\nid: 1\r\nevent: status\r\ndata: {}\r\n\r\n"
    "id:2\ndata: first\ndata:second\nretry: 3\n\n"
    "event: note\r\rdata: ☃\rid: 3\r\r"
    ": heartbeat\n\ndata: no id\n\nid: 9\ndata: cut off"
).encode()
EVENTS = [
    Event("1", "status", "{}"),
    Event("2", "message", "first\nsecond"),
    Event("3", "message", "☃"),
    Event("3", "message", "no id"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_events_come_out_whole_wherever_the_stream_is_cut(size: int) -> None:
    parser = Parser()
    found = [event for at in range(0, len(STREAM), size) for event in parser.feed(STREAM[at : at + size])]
    assert found == EVENTS
    assert parser.last_id == "3", "an event that was cut off must be sent again"
