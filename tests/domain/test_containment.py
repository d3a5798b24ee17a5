"""What a definition may ask its scripts to be kept within, and what comes of it together with the installation."""

import pytest

from runbooks.domain.containment import as_json, at_least, from_json, not_over_ssh
from runbooks.domain.definition import parse_definition
from runbooks.domain.ports import Containment, Level
from runbooks.domain.problems import Invalid
from tests.domain.examples import smallest


def definition(**containment: object) -> dict[str, object]:
    data = smallest()
    data["spec"]["containment"] = containment
    return data


def test_nothing_said_is_the_strongest_there_is_with_network() -> None:
    assert parse_definition(smallest()).containment == Containment(level=None, network=True)


def test_everything_can_be_said() -> None:
    said = definition(
        level="full", network=False, memory="512MiB", cpu="2m", processes=20, open_files=64, file_size="1GiB"
    )
    assert parse_definition(said).containment == Containment(
        level=Level.FULL,
        network=False,
        memory_bytes=512 << 20,
        cpu_seconds=120,
        processes=20,
        open_files=64,
        file_bytes=1 << 30,
    )


@pytest.mark.parametrize(
    ("said", "pointer", "words"),
    [
        ({"level": "root"}, "level", "must be one of: host, process, full"),
        ({"network": "no"}, "network", "must be true or false"),
        ({"level": "process", "network": False}, "network", "needs the level full"),
        ({"level": "host", "network": False}, "network", "needs the level full"),
        ({"level": "host", "processes": 20}, "processes", "counted together"),
        ({"processes": 1}, "processes", "at least 4"),
        ({"open_files": 10_000_000}, "open_files", "at most 1,000,000"),
        ({"memory": "512"}, "memory", "a size such as"),
        ({"memory": "0MiB"}, "memory", "a size such as"),
        ({"memory": "100KiB"}, "memory", "less than 16MiB"),
        ({"cpu": "0s"}, "cpu", "between 1s and 24h"),
        ({"cpu": "25h"}, "cpu", "between 1s and 24h"),
        ({"file_size": 5}, "file_size", "must be text"),
        ({"cgroup": "x"}, "cgroup", "There is no field"),
    ],
)
def test_nonsense_is_told_with_its_place(said: dict[str, object], pointer: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_definition(definition(**said))
    [problem] = refused.value.problems
    assert problem.pointer == f"/spec/containment/{pointer}"
    assert words in problem.detail


@pytest.mark.parametrize(
    ("said", "words"),
    [({"level": "process"}, 'over SSH there is only "host"'), ({"network": False}, "can't be kept from it over SSH")],
)
def test_what_nodes_cannot_keep_is_told_to_the_author(said: dict[str, object], words: str) -> None:
    data = definition(**said)
    data["spec"]["targets"] = {"select": "web"}  # type: ignore[index]
    with pytest.raises(Invalid) as refused:
        parse_definition(data)
    [problem] = refused.value.problems
    assert (problem.pointer, words in problem.detail) == ("/spec/containment", True)
    data["spec"]["steps"][0]["local"] = True  # type: ignore[index]
    parse_definition(data)


def test_limits_are_for_each_node_to_keep() -> None:
    data = definition(level="host", memory="512MiB", cpu="2m", open_files=64, file_size="1GiB")
    data["spec"]["targets"] = {"select": "web"}  # type: ignore[index]
    assert not_over_ssh(parse_definition(data).containment) is None


@pytest.mark.parametrize(
    ("asked", "minimum", "level", "least"),
    [
        (None, Level.HOST, None, None),
        (None, Level.PROCESS, None, Level.PROCESS),
        (Level.HOST, Level.HOST, Level.HOST, None),
        (Level.HOST, Level.FULL, Level.FULL, Level.FULL),
        (Level.FULL, Level.PROCESS, Level.FULL, Level.PROCESS),
        (Level.PROCESS, Level.PROCESS, Level.PROCESS, Level.PROCESS),
    ],
)
def test_the_installation_may_demand_more_than_the_definition(
    asked: Level | None, minimum: Level, level: Level | None, least: Level | None
) -> None:
    assert at_least(Containment(level=asked), minimum) == Containment(level=level, least=least)


def test_a_plan_says_it_and_it_comes_back() -> None:
    asked = Containment(level=Level.PROCESS, least=Level.PROCESS, memory_bytes=1 << 30)
    assert as_json(asked) == {"level": "process", "least": "process", "network": True, "memory_bytes": 1 << 30}
    assert from_json(as_json(asked)) == asked
    assert from_json(as_json(Containment())) == Containment()
