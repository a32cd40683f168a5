"""A real Kafka with the topics of infra/kafka/topics.yaml; its data are in the folder, and stay when it is stopped."""

import argparse
from pathlib import Path

from chassis import topics
from chassis.testing.artifacts import NotToBeHad
from chassis.testing.daemons import NotStarted
from chassis.testing.kafka import TOPICS, Kafka

from localstack.endpoints import run_folder
from localstack.serving import asked_to_stop, served


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("--data", type=Path, help="the folder of the data (default: run/kafka)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")


def run(args: argparse.Namespace) -> int:
    """Serves until it is asked to stop; prints one line when it is ready, the topics being there."""
    stop = asked_to_stop()
    names = [topic.name for topic in topics.read(TOPICS)]
    try:
        kafka = Kafka((args.data or run_folder() / "kafka").resolve(), args.port)
        kafka.start()
    except (NotToBeHad, NotStarted) as failed:
        print(failed, flush=True)
        return 1
    try:
        kafka.create(names)
        print(f"kafka ready: {kafka.bootstrap} ({len(names)} topics, in {kafka.folder})", flush=True)
        return served(kafka, stop)
    finally:
        kafka.stop()
