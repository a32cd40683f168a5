"""Sends what an access-control system recorded, as CSV: number of the event, wall time, badge, in or out.

`send_passages.py gate-7 hq events.csv`: the device's serial as it was enrolled, the access system of its badges, and a file that is moved
away, so that its writer, who opens it for each event as a log that is rotated, begins another. Beside it stand `events.csv.sending`, in which
at the end is left what the next run sends again, and `events.csv.strange`, lines that are no event.
"""

import csv
import fcntl
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tartip.timetracking.v1.passage_service_pb2 import DIRECTION_IN, DIRECTION_OUT, VERIFY_METHOD_CARD, Passage
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from tartip_client import Deployment, RefusedPassage, send_passages

COLUMNS = 4


def main(device: str, system: str, file: str) -> int:
    """Says what was refused; all else is in Kafka once this has ended, and need not be kept any longer. 3 while another run sends."""
    source = Path(file)
    taken, sending, strange = (source.with_name(f"{source.name}.{state}") for state in ("taken", "sending", "strange"))
    with alone(source) as only:
        if not only:
            print(f"{file} is being sent by another run")
            return 3
        if source.exists() and not taken.exists():
            source.rename(taken)
        whole = text(taken)[: text(taken).rfind("\n") + 1]
        keep(sending, text(sending) + whole)
        lines = list(csv.reader(text(sending).splitlines()))
        refused = sent(passage(device, system, *line) for line in lines if len(line) == COLUMNS)
        again = [each.passage for each in refused if not each.final]  # the device may be enrolled, or reinstated, by then
        unread = [line for line in lines if len(line) != COLUMNS]
        if unread:
            keep(strange, text(strange) + written(unread))
        # Whoever had opened the file before it was moved has written into it meanwhile.
        late = text(taken).removeprefix(whole)
        keep(sending, written(map(row, again)) + late + ("\n" if late and not late.endswith("\n") else ""))
        taken.unlink(missing_ok=True)
    for each in refused:
        print(f"{each.passage.event_key}: {each.refusal}")
    print(f"{len(lines) - len(unread) - len(refused)} taken, {len(refused)} refused, {len(again)} to be sent again")
    if unread:
        print(f"{len(unread)} lines are no event: {strange}")
    return 1 if refused or unread else 0


@contextmanager
def alone(file: Path) -> Iterator[bool]:
    """Whether no other run sends this file, for the length of the block: one may wait for hours while the platform is away."""
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def sent(passages: Iterable[Passage]) -> list[RefusedPassage]:
    """Sends them until each is taken or refused by name; those that were refused."""
    with Deployment.from_environment().channel("gateway") as gateway:
        return send_passages(PassageServiceStub(gateway), list(passages))


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


def written(rows: Iterable[list[str]]) -> str:
    """The lines of a file."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue()


def text(file: Path) -> str:
    """What a file holds; of one that is not there nothing."""
    return file.read_text(encoding="utf-8") if file.exists() else ""


def keep(file: Path, lines: str) -> None:
    """Replaces the file at one stroke: whoever is killed in between finds all of it as it was, and sends it once more: it counts once."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(lines, encoding="utf-8")
    beside.replace(file)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
