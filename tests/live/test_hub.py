"""The one subscription of a process: it wakes watchers, and ends when the process does."""

import asyncio

import pytest
import redis.asyncio
from pytest_django import Settings

from runbooks.live.announce import CHANNEL, redis_url
from runbooks.live.hub import Hub

RUN = "01890000-0000-7000-8000-000000000000"


async def _listening(hub: Hub) -> None:
    while not hub.listening:  # noqa: ASYNC110  (it announces itself to nobody)
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("broker")
def test_a_watcher_is_woken_by_what_is_announced_of_its_run_and_of_no_other() -> None:
    async def watch() -> None:
        hub = Hub()
        with hub.watching(RUN) as mine, hub.watching("another") as other:
            await asyncio.wait_for(_listening(hub), 10)
            await _say(RUN)
            await asyncio.wait_for(mine.wait(), 10)
            assert not other.is_set()

    asyncio.run(watch())


@pytest.mark.usefixtures("broker")
def test_a_server_that_ends_at_any_moment_is_not_held_up_by_its_subscription() -> None:
    async def end_after(seconds: float) -> bool:
        hub = Hub()
        with hub.watching(RUN):
            await asyncio.sleep(seconds)
        task = hub._task
        assert task
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        task.cancel()
        return bool(done)

    async def moments() -> list[bool]:
        return [await end_after(0.0002 * step) for step in range(40)]

    assert all(asyncio.run(moments()))


def test_with_another_broker_than_redis_nobody_is_woken_and_nothing_is_tried(settings: Settings) -> None:
    """Streams look by themselves then: see `LOOK_SECONDS` of the stream."""
    settings.OPSAAS_BROKER_URL = "amqp://guest:guest@127.0.0.1:1/"

    async def watch() -> bool:
        hub = Hub()
        with hub.watching(RUN) as woken:
            await asyncio.sleep(0.05)
            assert hub._task
            return hub._task.done() and not hub.listening and not woken.is_set()

    assert redis_url() is None
    assert asyncio.run(watch())


async def _say(run_id: str) -> None:
    """As `announce` does, from the loop that watches."""
    async with redis.asyncio.Redis.from_url(str(redis_url())) as client:
        await client.publish(f"{CHANNEL}{run_id}", b"")
