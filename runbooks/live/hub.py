"""One subscription for all watchers of a process: it wakes those whose run was announced."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import redis.asyncio
from redis.exceptions import RedisError

from runbooks.live.announce import CHANNEL, redis_url

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Hub:
    """Lives in one event loop. Without Redis, or while it is away, nobody is woken: watchers look by themselves."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.listening = False

    @contextmanager
    def watching(self, run_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the run is announced."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listen())
        woken = asyncio.Event()
        self._watchers[run_id].add(woken)
        try:
            yield woken
        finally:
            self._watchers[run_id].discard(woken)
            if not self._watchers[run_id]:
                del self._watchers[run_id]

    async def _listen(self) -> None:
        url = redis_url()
        while url:
            try:
                await self._hear(url)
            except (RedisError, OSError) as error:
                log.warning("announcements are not heard, watchers look every second: %s", error)
            self.listening = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, url: str) -> None:
        async with redis.asyncio.Redis.from_url(url) as client, client.pubsub() as subscription:
            await subscription.psubscribe(f"{CHANNEL}*")
            _let_go_if_asked()
            self.listening = True
            async for message in subscription.listen():
                run_id = message["channel"].decode().removeprefix(CHANNEL)
                for woken in self._watchers.get(run_id, ()):
                    woken.set()


def _let_go_if_asked() -> None:
    """A cancellation that comes while the Redis client connects is lost in it: the server would never end."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
