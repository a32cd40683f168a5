"""Creates the topics of infra/kafka/topics.yaml on a Kafka that somebody else started; those that are there stay as they are."""

import argparse
import sys

from chassis import topics
from chassis.testing.kafka import TOPICS, KafkaAt, KafkaAway, KafkaRefused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("--kafka", default="127.0.0.1:9092", help="host:port of a broker (default: that of infra/compose.yaml)")
    parser.add_argument("--within", type=float, default=30.0, help="seconds to wait for its answer (default: 30)")


def run(args: argparse.Namespace) -> int:
    """Creates what is missing (0); 1 where Kafka does not answer or refuses."""
    names = [topic.name for topic in topics.read(TOPICS)]
    try:
        KafkaAt(args.kafka, args.within).create(names)
    except KafkaAway:
        print(f"There is no Kafka at {args.kafka}, or it did not answer within {args.within:g} s.", file=sys.stderr)
        return 1
    except KafkaRefused as failed:
        print(f"{args.kafka}: {failed}", file=sys.stderr)
        return 1
    print(f"{len(names)} topics are there: {args.kafka}")
    return 0
