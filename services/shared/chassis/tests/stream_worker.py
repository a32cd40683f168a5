"""A consumer in a process of its own, for tests that kill it: writes what it applies into SQLite, one transaction a group.

Arguments: bootstrap, group, topic, database file, and after how many groups it gets stuck inside a transaction.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Mapping, Sequence

from chassis.brokers import Brokers
from chassis.process import run
from chassis.streams import Consumer, Subscription
from google.protobuf.struct_pb2 import ListValue

SESSION_TIMEOUT_S = 3.0


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(bootstrap: str, group: str, topic: str, file: str, stuck_after: str) -> None:
    left = int(stuck_after)
    database = sqlite3.connect(file, isolation_level=None, timeout=30)

    async def apply(messages: Sequence[ListValue]) -> None:
        nonlocal left
        database.execute("BEGIN IMMEDIATE")
        try:
            words = [(value.string_value,) for message in messages for value in message.values]
            database.executemany("INSERT OR IGNORE INTO stored (word) VALUES (?)", words)
            database.executemany("INSERT INTO seen (word) VALUES (?)", words)
            if left == 0:
                say("stuck")
                await asyncio.Event().wait()
            left -= 1
            database.execute("COMMIT")
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")
        say("applied")

    async def park(topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        raise AssertionError(f"nothing here is to be parked: {headers}")

    subscription = Subscription(topic, ListValue, apply, weight=lambda message: len(message.values), most=20)
    consumer = Consumer(
        *(group, Brokers(bootstrap), [subscription], park),
        session_timeout_s=SESSION_TIMEOUT_S,
        commit_interval_s=0.2,
        grace_s=1.0,
        farewell_s=1.0,
    )
    run(consumer.run)


if __name__ == "__main__":
    main(*sys.argv[1:])
