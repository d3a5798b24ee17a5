import pytest

from runbooks.domain.machines.targets import (
    Amount,
    Order,
    Targets,
    Window,
    batches,
    may_begin,
    ordered,
    stopped,
    targets_of,
    targets_problems,
)


def test_batches_come_after_the_canary() -> None:
    assert batches(Targets("*", batch=Amount(4), canary=1), 10) == [1, 4, 4, 1]
    assert batches(Targets("*", batch=Amount(30, percent=True)), 10) == [3, 3, 3, 1]
    assert batches(Targets("*", batch=Amount(1, percent=True)), 10) == [1] * 10
    assert batches(Targets("*"), 10) == [10]
    assert batches(Targets("*", canary=20), 3) == [3]


def test_a_batch_begins_once_the_one_before_has_ended() -> None:
    targets = Targets("*", batch=Amount(4), canary=1)
    assert may_begin(targets, Window(total=10)) == 1
    assert may_begin(targets, Window(total=10, begun=1)) == 0
    assert may_begin(targets, Window(total=10, begun=1, ended=1)) == 4
    assert may_begin(targets, Window(total=10, begun=5, ended=4)) == 0
    assert may_begin(targets, Window(total=10, begun=9, ended=9)) == 1
    assert may_begin(targets, Window(total=10, begun=10, ended=10)) == 0


def test_no_more_are_in_flight_than_may_be() -> None:
    targets = Targets("*", in_flight=3)
    assert may_begin(targets, Window(total=10)) == 3
    assert may_begin(targets, Window(total=10, begun=3, ended=1)) == 1
    assert may_begin(targets, Window(total=10, begun=9, ended=9)) == 1


@pytest.mark.parametrize(
    ("most", "failed", "stops"),
    [(Amount(0), 0, False), (Amount(0), 1, True), (Amount(2), 2, False), (Amount(2), 3, True)],
)
def test_more_failures_than_may_be_stop_it(most: Amount, failed: int, stops: bool) -> None:
    targets = Targets("*", max_failures=most)
    assert stopped(targets, Window(total=10, begun=5, ended=5, failed=failed)) is stops
    assert (may_begin(targets, Window(total=10, begun=5, ended=5, failed=failed)) == 0) is stops


def test_a_share_of_failures_is_one_of_all_nodes() -> None:
    targets = Targets("*", max_failures=Amount(10, percent=True))
    assert not stopped(targets, Window(total=50, begun=20, ended=20, failed=5))
    assert stopped(targets, Window(total=50, begun=20, ended=20, failed=6))


def test_one_failure_of_the_canary_is_enough() -> None:
    targets = Targets("*", max_failures=Amount(50, percent=True), canary=2)
    assert stopped(targets, Window(total=10, begun=2, ended=1, failed=1))
    assert not stopped(targets, Window(total=10, begun=10, ended=3, failed=1))


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["web10", "web2", "db", "web1"]
    assert ordered(names, Order.NAME, str) == ["db", "web1", "web2", "web10"]
    assert ordered(names, Order.REVERSE, str) == ["web10", "web2", "web1", "db"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"select": "name ="}, "select"),
        ({"batch": 0}, "batch"),
        ({"batch": "0%"}, "batch"),
        ({"max_failures": -1}, "max_failures"),
        ({"in_flight": 0}, "in_flight"),
        ({"canary": -1}, "canary"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(fields: dict[str, object], pointer: str) -> None:
    found = list(targets_problems({"select": "web", **fields}))
    assert [problem.pointer for problem in found] == [f"/spec/targets/{pointer}"]


def test_fields_become_targets() -> None:
    fields = {"select": "web", "batch": "25%", "in_flight": 5, "max_failures": 2, "order": "reverse", "canary": 1}
    assert targets_of(fields) == Targets("web", Amount(25, percent=True), 5, Amount(2), Order.REVERSE, 1)
    assert list(targets_problems(fields)) == []
