"""What the platform says of the week, beside the truth: day by day, finding by finding, record by record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1.device_service_pb2 import RecordCounts

from .asked import Found, Key, as_fold, reads_as_fold
from .devices import SimulatedDevice
from .level import Metrics
from .world import ExpectedFinding, State, World

FROM_THE_ABSENCE_OF_READS = frozenset({"late", "early_leave", "left_during_day", "absent", "missing_entry", "missing_exit"})
"""What is held back on a day on which a device of the premises misses events."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something on which the platform and the truth do not agree."""

    about: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.about}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class Verdict:
    """What was compared and what came of it."""

    days: int = 0
    figures: int = 0
    reads: int = 0
    undetermined: int = 0
    """Findings that stand on days that the passages do not determine."""
    differences: list[Difference] = field(default_factory=list)
    kinds: dict[str, "Kind"] = field(default_factory=lambda: defaultdict(Kind))

    def equal(self, about: str, expected: Any, found: Any) -> None:
        """Notes a difference where there is one."""
        if expected != found:
            self.differences.append(Difference(about, expected, found))

    @property
    def expected(self) -> int:
        """How many findings were expected."""
        return sum(kind.expected for kind in self.kinds.values())

    @property
    def withdrawn(self) -> int:
        """How many of them were found and withdrawn again, as they were to be."""
        return sum(kind.withdrawn for kind in self.kinds.values())

    @property
    def precision(self) -> float:
        """The share of what was found that was expected."""
        right = sum(kind.right for kind in self.kinds.values())
        wrong = sum(kind.wrong for kind in self.kinds.values())
        return right / (right + wrong) if right + wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of what was expected that was found."""
        right = sum(kind.right for kind in self.kinds.values())
        return right / self.expected if self.expected else 1.0


@dataclass(slots=True)
class Kind:
    """The findings of one kind: how many were expected, found as expected, and found without being expected."""

    expected: int = 0
    right: int = 0
    wrong: int = 0
    withdrawn: int = 0
    article: str = ""


def compare_days(
    verdict: Verdict,
    world: World,
    folded: Mapping[str, Any],
    days: Mapping[Key, pb.Workday],
    explained: Mapping[Key, pb.WorkdayExplanation],
) -> None:
    """Compares every day of every servant with `fold`: state, window, figures, stays, what became of each read, marks of doubt."""
    expected = {(row["servant"], date.fromisoformat(row["date"])): row for row in folded["days"]}
    verdict.equal("days that there are", sorted(expected.keys() - days.keys()), sorted(days.keys() - expected.keys()))
    for key in sorted(expected.keys() & days.keys()):
        row, found, about = expected[key], as_fold(days[key]), f"{key[0]} {key[1]}"
        verdict.days += 1
        verdict.equal(f"{about} state", row["state"], found["state"])
        verdict.equal(f"{about} window", tuple(_instant(row["window"][end]) for end in ("start", "end")), found["window"])
        for name, seconds in row["seconds"].items():
            verdict.figures += 1
            verdict.equal(f"{about} {name}", seconds, found["seconds"][name])
        stays = sorted((_instant(stay["start"]), _instant(stay["end"]), stay["assumed"]) for stay in row["stays"])
        verdict.equal(f"{about} stays", stays, found["stays"])
        reads = [(read["device"], read["event_key"], read["became"]) for read in row["reads"]]
        verdict.reads += len(reads)
        verdict.equal(f"{about} reads", reads, reads_as_fold(explained[key]))
    for mark, wanted in (
        (pb.WORKDAY_MARK_DOUBTFUL_CLOCK, world.truth.doubtful_days),
        (pb.WORKDAY_MARK_INCOMPLETE, world.truth.incomplete_days),
    ):
        marked = {key for key, workday in days.items() if mark in workday.marks}
        verdict.equal(f"days with the mark {pb.WorkdayMark.Name(mark)}", sorted(wanted - marked), sorted(marked - wanted))


def compare_folded_findings(verdict: Verdict, world: World, folded: Mapping[str, Any], findings: Sequence[Found]) -> None:
    """Compares the findings of all servants with `fold`, each with its first second, its seconds and its rule."""
    found: dict[Key, list[tuple[Any, ...]]] = defaultdict(list)
    rests: list[tuple[Any, ...]] = []
    for each in findings:
        if each.withdrawn or not each.servant:
            continue
        if each.until is not None:
            rests.append((each.servant, each.kind, each.on, each.until, each.seconds, each.rule))
        else:
            found[each.servant, each.on].append((each.kind, each.first, each.seconds, each.rule))
    for row in folded["days"]:
        key = row["servant"], date.fromisoformat(row["date"])
        held_back = FROM_THE_ABSENCE_OF_READS if key in world.truth.incomplete_days else frozenset()
        wanted = [(it["kind"], _instant(it["first"]), it["seconds"], it["rule"]) for it in row["findings"] if it["kind"] not in held_back]
        verdict.equal(f"{key[0]} {key[1]} findings", sorted(wanted), sorted(found.pop(key, [])))
    verdict.equal("findings of no day", [], sorted(found))
    wanted_rests = [
        (row["servant"], row["kind"], *map(date.fromisoformat, row["dates"]), row["seconds"], row["rule"]) for row in folded["across_days"]
    ]
    verdict.equal("findings across days", sorted(wanted_rests), sorted(rests))


def compare_findings(verdict: Verdict, world: World, findings: Iterable[Found], first_seen: Mapping[tuple[Any, ...], datetime]) -> None:
    """Compares the findings with what the planted faults determine; days that they do not determine are left out."""
    truth = world.truth
    findings = list(findings)
    verdict.undetermined = sum((each.servant, each.on) in truth.undetermined and not each.withdrawn for each in findings)
    left = [each for each in findings if (each.servant, each.on) not in truth.undetermined]
    for expected in sorted(truth.findings, key=_certain_first):
        kind = verdict.kinds[expected.kind]
        kind.expected += 1
        match = next((each for each in left if _matches(expected, each)), None)
        if match is None:
            verdict.differences.append(Difference(f"finding {_named(expected)}", "found", "missing"))
            continue
        left.remove(match)
        kind.right += 1
        kind.article = kind.article or match.article
        kind.withdrawn += match.withdrawn
        if expected.seen_by is not None:
            seen = first_seen.get(identity(match))
            if seen is None or seen > expected.seen_by:
                verdict.differences.append(Difference(f"finding {_named(expected)}", f"seen by {expected.seen_by}", f"seen at {seen}"))
    for each in left:
        if not each.withdrawn:  # what came and went again is nobody's any more
            verdict.kinds[each.kind].wrong += 1
            verdict.kinds[each.kind].article = each.article
            verdict.differences.append(Difference(f"finding {each.kind} of {each.servant or each.device} {each.on}", "none", each))


def identity(found: Found) -> tuple[Any, ...]:
    """What a finding is known by while it is looked at again and again."""
    return found.kind, found.servant, found.device, found.badge, found.on, found.until, found.first


def _certain_first(expected: ExpectedFinding) -> tuple[bool, bool]:
    """What is determined to the second is matched before what is not."""
    return expected.first is None, expected.seconds is None


def _matches(expected: ExpectedFinding, found: Found) -> bool:
    return (
        (found.kind, found.on, found.servant, found.until) == (expected.kind, expected.date, expected.servant, expected.until)
        and found.withdrawn == (expected.state is State.WITHDRAWN)
        and (bool(expected.servant) or (found.device, found.badge) == (expected.device, expected.badge))
        and (expected.first is None or found.first == expected.first)
        and (expected.seconds is None or found.seconds == expected.seconds)
    )


def _named(expected: ExpectedFinding) -> str:
    exactly = f" at {expected.first}" if expected.first else ""
    length = f", {expected.seconds}" if expected.seconds is not None else ""
    return f"{expected.kind} of {expected.servant or expected.device} {expected.badge} {expected.date}{exactly}{length} ({expected.state})"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the records of one device, by its own count (sent, taken) and by the platform's."""

    device: str
    sent: int
    taken: int
    received: int
    stored: int
    repeated: int
    parked: int
    ignored: int

    @property
    def lost(self) -> int:
        """What became nothing of all this."""
        return self.sent - self.stored - self.repeated - self.parked - self.ignored


def compare_counts(
    verdict: Verdict, world: World, devices: Mapping[str, SimulatedDevice], gateway: Metrics, consumer: Metrics
) -> list[Line]:
    """Compares the counters of no loss: sent = taken = received = stored + repeated + parked + ignored, for each device."""

    def of(metrics: Metrics, name: str) -> dict[str, int]:
        return {device: int(value) for (device,), value in metrics.by(f"tartip_{name}_total", "device").items()}

    received, published = of(gateway, "gateway_received"), of(gateway, "gateway_published")
    parked, ignored = of(gateway, "gateway_parked"), of(gateway, "gateway_ignored")
    refused, unanswered = of(gateway, "gateway_refused"), of(gateway, "gateway_unanswered")
    stored, repeated = of(consumer, "passages_stored"), of(consumer, "passages_repeated")
    lines = []
    for device, counts in world.truth.counts.items():
        line = Line(
            device=device,
            sent=devices[device].sent,
            taken=devices[device].acknowledged,
            received=received.get(device, 0),
            stored=stored.get(device, 0),
            repeated=repeated.get(device, 0),
            parked=parked.get(device, 0),
            ignored=ignored.get(device, 0),
        )
        lines.append(line)
        for name, expected, found in (
            ("sent", counts.sent, line.sent),
            ("answered as taken", counts.sent, line.taken),
            ("received", counts.sent, line.received),
            ("refused or unanswered", 0, refused.get(device, 0) + unanswered.get(device, 0)),
            ("published", counts.passages + counts.repeated, published.get(device, 0)),
            ("stored", counts.passages, line.stored),
            ("repeated", counts.repeated, line.repeated),
            ("parked", counts.parked, line.parked),
            ("ignored", counts.ignored, line.ignored),
        ):
            verdict.equal(f"{device}: records {name}", expected, found)
    return lines


def compare_accounts(verdict: Verdict, world: World, accounts: Mapping[str, RecordCounts]) -> None:
    """Compares the account of each device, as GetDeviceAccount tells it, with what the device sent: nothing may be in flight."""
    for device, counts in world.truth.counts.items():
        account = accounts.get(device, RecordCounts())
        for name, expected, found in (
            ("received", counts.sent, account.received),
            ("stored", counts.passages, account.stored),
            ("repeated", counts.repeated, account.repeated),
            ("parked", counts.parked, account.parked),
            ("no passages", counts.ignored, account.no_passages),
            ("in flight", 0, account.in_flight),
        ):
            verdict.equal(f"{device}: account, {name}", expected, found)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
