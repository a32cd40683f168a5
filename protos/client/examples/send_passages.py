"""Sends what an access-control system recorded, as CSV from standard input: number of the event, wall time, badge, in or out.

`send_passages.py gate-7 hq < events.csv`: the device's serial as it was enrolled, and the access system of its badges.
"""

import csv
import sys

from tartip.timetracking.v1.passage_service_pb2 import DIRECTION_IN, DIRECTION_OUT, VERIFY_METHOD_CARD, Passage
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from tartip_client import Deployment, send_passages


def main(device: str, system: str) -> int:
    """Says what was refused; all else is in Kafka once this has ended, and need not be kept any longer."""
    passages = [
        Passage(
            device=device,
            event_key=number,
            wall_time=wall_time,
            badge_system=system,
            badge_number=badge,
            direction=DIRECTION_IN if direction == "in" else DIRECTION_OUT,
            verify_method=VERIFY_METHOD_CARD,
        )
        for number, wall_time, badge, direction in csv.reader(sys.stdin)
    ]
    with Deployment.from_environment().channel("gateway") as gateway:
        refused = send_passages(PassageServiceStub(gateway), passages)
    for each in refused:
        print(f"{each.passage.event_key}: {each.refusal}")
    print(f"{len(passages) - len(refused)} taken, {len(refused)} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
