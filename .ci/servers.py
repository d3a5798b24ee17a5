"""A database, a Redis and a RabbitMQ of the run's own, on servers that are already there: `create` prints their
addresses, the third only where there is a RabbitMQ that lets us make a virtual host.

OPSAAS_TEST_DATABASE_URL, OPSAAS_TEST_REDIS_URL and OPSAAS_TEST_AMQP_URL, where set, are taken and left as they are.
"""

import os
import re
import shutil
import socket
import subprocess
import sys

import psycopg
import redis
from psycopg import sql

ADMINISTRATORS = ("postgres", "root")
RABBITMQ_PORT = 5672
REDIS_DATABASES = range(15, 0, -1)  # 0 is where other things live


def main() -> None:
    if sys.argv[1] == "create":
        print(os.environ.get("OPSAAS_TEST_DATABASE_URL") or make_database(), end=" ")
        print(os.environ.get("OPSAAS_TEST_REDIS_URL") or empty_redis(), end=" ")
        print(os.environ.get("OPSAAS_TEST_AMQP_URL") or make_virtual_host())
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


def make_virtual_host() -> str:
    """ "" where there is no RabbitMQ, or none of ours to administer."""
    try:
        socket.create_connection(("127.0.0.1", RABBITMQ_PORT), timeout=3).close()
    except OSError:
        return ""
    name = f"opsaas_ci_{os.getpid()}"
    if not rabbitmqctl("add_vhost", name):
        return ""
    if not rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*"):
        rabbitmqctl("delete_vhost", name)
        return ""
    return f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}/{name}"


def rabbitmqctl(*words: str) -> bool:
    program = shutil.which("rabbitmqctl", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        print("RabbitMQ: rabbitmqctl is not there", file=sys.stderr)
        return False
    done = subprocess.run([program, "--quiet", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"RabbitMQ: {(done.stderr or done.stdout).strip()}", file=sys.stderr)
    return done.returncode == 0


def drop(database: str, redis_url: str, amqp_url: str = "") -> None:
    if amqp_url and not os.environ.get("OPSAAS_TEST_AMQP_URL"):
        rabbitmqctl("delete_vhost", amqp_url.rpartition("/")[2])
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
