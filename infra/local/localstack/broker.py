"""Kafka inside one process, without its durability: it ends with a named error before it would drop messages."""

import argparse
import sys
from pathlib import Path

from chassis import topics
from chassis.testing.broker import FULL_AT_BYTES, Broker, BrokerFull, watched
from chassis.testing.kafka import TOPICS

from localstack.serving import asked_to_stop

FULL = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--topics", type=Path, default=TOPICS, help="the topics to create (default: infra/kafka/topics.yaml)")
    parser.add_argument("--limit", type=int, default=FULL_AT_BYTES, help="bytes a partition may hold before this process stops")


def run(args: argparse.Namespace) -> int:
    """Serves until it is asked to stop (0), or until a partition is full (3); prints one line when it is ready."""
    stop = asked_to_stop()
    names = [topic.name for topic in topics.read(args.topics)]
    broker = Broker()
    found: list[BrokerFull] = []

    def on_full(full: BrokerFull) -> None:
        found.append(full)
        stop.set()

    try:
        broker.create(names)
        with watched(broker, on_full, args.limit):
            print(f"broker ready: {broker.bootstrap} ({len(names)} topics, in memory)", flush=True)
            stop.wait()
    finally:
        broker.stop()
    for full in found:
        print(f"BrokerFull: {full}", file=sys.stderr, flush=True)
    return FULL if found else 0
