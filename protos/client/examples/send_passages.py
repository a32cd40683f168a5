"""Sends what an access-control system recorded, as CSV: number of the event, wall time, badge, in or out.

`send_passages.py gate-7 hq events.csv`: the device's serial as it was enrolled, the access system of its badges, and a file that
afterwards holds what is to be sent again.
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

from tartip.timetracking.v1.passage_service_pb2 import DIRECTION_IN, DIRECTION_OUT, VERIFY_METHOD_CARD, Passage
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from tartip_client import Deployment, send_passages


def main(device: str, system: str, file: str) -> int:
    """Says what was refused; all else is in Kafka once this has ended, and need not be kept any longer."""
    with Path(file).open(newline="") as lines:
        passages = [passage(device, system, *row) for row in csv.reader(lines)]
    with Deployment.from_environment().channel("gateway") as gateway:
        refused = send_passages(PassageServiceStub(gateway), passages)
    again = [each.passage for each in refused if not each.final]  # the device may be enrolled, or reinstated, by then
    keep(Path(file), again)
    for each in refused:
        print(f"{each.passage.event_key}: {each.refusal}")
    print(f"{len(passages) - len(refused)} taken, {len(refused)} refused, {len(again)} to be sent again")
    return 1 if refused else 0


def passage(device: str, system: str, number: str, wall_time: str, badge: str, direction: str) -> Passage:
    """Reads a line."""
    return Passage(
        device=device,
        event_key=number,
        wall_time=wall_time,
        badge_system=system,
        badge_number=badge,
        direction=DIRECTION_IN if direction == "in" else DIRECTION_OUT,
        verify_method=VERIFY_METHOD_CARD,
    )


def keep(file: Path, passages: Iterable[Passage]) -> None:
    """Replaces the file at one stroke: whoever is killed in between finds all of it as it was, and sends it once more."""
    beside = file.with_name(f"{file.name}.new")
    with beside.open("w", newline="") as lines:
        csv.writer(lines).writerows(
            (each.event_key, each.wall_time, each.badge_number, "in" if each.direction == DIRECTION_IN else "out") for each in passages
        )
    beside.replace(file)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
