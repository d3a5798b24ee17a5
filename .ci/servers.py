"""A database and a Redis of the run's own, on servers that are already there: `create` prints their two addresses.

OPSAAS_TEST_DATABASE_URL and OPSAAS_TEST_REDIS_URL, where set, are taken as they are, and left as they are.
"""

import os
import re
import sys

import psycopg
import redis
from psycopg import sql

ADMINISTRATORS = ("postgres", "root")
REDIS_DATABASES = range(15, 0, -1)  # 0 is where other things live


def main() -> None:
    if sys.argv[1] == "create":
        print(os.environ.get("OPSAAS_TEST_DATABASE_URL") or make_database(), end=" ")
        print(os.environ.get("OPSAAS_TEST_REDIS_URL") or empty_redis())
    else:
        drop(*sys.argv[2:])


def make_database() -> str:
    name = f"opsaas_ci_{os.getpid()}"
    for user in ADMINISTRATORS:
        try:
            with administer(user) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.OperationalError as error:
            print(f"PostgreSQL as {user}: {error}", file=sys.stderr)
        else:
            return f"postgres://{user}@127.0.0.1:5432/{name}"
    sys.exit("No PostgreSQL that lets us make a database.")


def empty_redis() -> str:
    for number in REDIS_DATABASES:
        url = f"redis://127.0.0.1:6379/{number}"
        try:
            if redis.Redis.from_url(url, socket_timeout=3).dbsize() == 0:
                return url
        except redis.RedisError as error:
            sys.exit(f"Redis: {error}")
    sys.exit("No database of the Redis on 127.0.0.1:6379 is empty.")


def drop(database: str, redis_url: str) -> None:
    if not os.environ.get("OPSAAS_TEST_DATABASE_URL"):
        user, name = database.removeprefix("postgres://").split("@")[0], database.rpartition("/")[2]
        with administer(user) as connection:
            found = connection.execute("SELECT datname FROM pg_database").fetchall()
            own = [each for (each,) in found if re.fullmatch(rf"(test_)?{re.escape(name)}(_gw\d+)?", each)]
            for each in own:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(each)))
    if not os.environ.get("OPSAAS_TEST_REDIS_URL"):
        redis.Redis.from_url(redis_url).flushdb()


def administer(user: str) -> psycopg.Connection:
    address = f"postgres://{user}@127.0.0.1:5432/postgres?connect_timeout=3"
    return psycopg.connect(address, autocommit=True)


if __name__ == "__main__":
    main()
