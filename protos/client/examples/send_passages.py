"""Sends what an access-control system recorded, as CSV: number of the event, wall time, badge, in or out.

`send_passages.py gate-7 hq events.csv`: the device's serial as it was enrolled, the access system of its badges, and a file that is moved
to `events.csv.sending`, where at the end only that is left which is to be sent again; it is, by the next run. Whoever writes the file opens it
for each event, as for a log that is rotated, and writes a new one from then on.
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
    sending = moved(Path(file))
    passages = [passage(device, system, *row) for row in rows(sending)]
    with Deployment.from_environment().channel("gateway") as gateway:
        refused = send_passages(PassageServiceStub(gateway), passages)
    again = [each.passage for each in refused if not each.final]  # the device may be enrolled, or reinstated, by then
    keep(sending, map(row, again))
    for each in refused:
        print(f"{each.passage.event_key}: {each.refusal}")
    print(f"{len(passages) - len(refused)} taken, {len(refused)} refused, {len(again)} to be sent again")
    return 1 if refused else 0


def moved(file: Path) -> Path:
    """Moves the file's events to those that are being sent: what is written meanwhile is of the next run.

    Whoever is killed in between may find an event twice, and sends it twice: it counts once.
    """
    sending, taken = (file.with_name(f"{file.name}.{state}") for state in ("sending", "taken"))
    if file.exists() and not taken.exists():
        file.rename(taken)
    if taken.exists():
        keep(sending, [*rows(sending), *rows(taken)])
        taken.unlink()
    return sending


def rows(file: Path) -> list[list[str]]:
    """Reads the lines of a file, of one that is not there none."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


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


def row(sent: Passage) -> list[str]:
    """Writes a line."""
    return [sent.event_key, sent.wall_time, sent.badge_number, "in" if sent.direction == DIRECTION_IN else "out"]


def keep(file: Path, lines: Iterable[list[str]]) -> None:
    """Replaces the file at one stroke: whoever is killed in between finds all of it as it was, and sends it once more."""
    beside = file.with_name(f"{file.name}.new")
    with beside.open("w", newline="") as written:
        csv.writer(written).writerows(lines)
    beside.replace(file)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
