"""The comparison sees every difference: answers made of the truth itself are as they must be, and spoilt ones are named."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import aiohttp
import pytest
from tartip.regimes.v1 import plan_service_pb2 as plans
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1.device_service_pb2 import RecordCounts

from e2e_tests.reference.fold import fold

from .asked import Found, Key
from .compare import Verdict, compare_accounts, compare_counts, compare_days, compare_findings, compare_folded_findings, identity
from .devices import SimulatedDevice, simulated
from .generate import world
from .level import read
from .world import State, World

SEED = 1


@dataclass(slots=True)
class Answers:
    """What a platform would answer that is right in everything."""

    world: World
    folded: dict[str, Any]
    days: dict[Key, pb.Workday]
    explained: dict[Key, pb.WorkdayExplanation]
    findings: list[Found]
    first_seen: dict[tuple[Any, ...], datetime]

    def verdict(self) -> Verdict:
        verdict = Verdict()
        compare_days(verdict, self.world, self.folded, self.days, self.explained)
        compare_folded_findings(verdict, self.world, self.folded, self.findings)
        compare_findings(verdict, self.world, self.findings, self.first_seen)
        return verdict


@cache
def _right() -> Answers:
    of = _concerned(world(SEED))
    folded = fold(dict(of.truth.document))
    days, explained, findings = {}, {}, list[Found]()
    for row in folded["days"]:
        key = row["servant"], date.fromisoformat(row["date"])
        days[key] = _workday(of, key, row)
        reads = [pb.ExplainedRead(device=it["device"], event_key=it["event_key"], outcome=_outcome(it["became"])) for it in row["reads"]]
        explained[key] = pb.WorkdayExplanation(workday=days[key], reads=reads)
        if key not in of.truth.incomplete_days:
            findings += [_found(it["kind"], key[1], key[0], it["first"], it["seconds"], it["rule"]) for it in row["findings"]]
    for row in folded["across_days"]:
        first, until = map(date.fromisoformat, row["dates"])
        findings.append(replace(_found(row["kind"], first, row["servant"], of.begin.isoformat(), row["seconds"], row["rule"]), until=until))
    known = {(each.kind, each.servant, each.on) for each in findings}
    for each in of.truth.findings:
        if (each.kind, each.servant, each.date) not in known or each.state is State.WITHDRAWN:
            at = (each.first or of.begin).isoformat()
            made = _found(each.kind, each.date, each.servant, at, each.seconds or 1, "lc-79")
            findings.append(replace(made, device=each.device, badge=each.badge, withdrawn=each.state is State.WITHDRAWN))
    rests = {each.servant: each.first for each in of.truth.findings if each.until is not None and each.first is not None}
    findings = [replace(each, first=rests.get(each.servant, each.first)) if each.until else each for each in findings]
    return Answers(of, folded, days, explained, findings, {identity(each): of.begin for each in findings})


def _concerned(of: World) -> World:
    """The world as far as it concerns those at whom something was planted."""
    concerned = {fault.servant for fault in of.faults}
    servants = [row for row in of.truth.document["servants"] if row["servant"] in concerned]
    incomplete = frozenset(key for key in of.truth.incomplete_days if key[0] in concerned)
    return replace(of, truth=replace(of.truth, document={**of.truth.document, "servants": servants}, incomplete_days=incomplete))


def _workday(of: World, key: Key, row: dict[str, Any]) -> pb.Workday:
    made = pb.Workday(state=pb.WorkdayState.Value(f"WORKDAY_STATE_{row['state'].upper()}"), seconds=pb.WorkdaySeconds(**row["seconds"]))
    made.window_start.FromDatetime(_instant(row["window"]["start"]))
    made.window_end.FromDatetime(_instant(row["window"]["end"]))
    for stay in row["stays"]:
        one = made.stays.add(assumed=stay["assumed"], place=plans.PLACE_OFFICE)
        one.start.FromDatetime(_instant(stay["start"]))
        one.end.FromDatetime(_instant(stay["end"]))
    if key in of.truth.doubtful_days:
        made.marks.append(pb.WORKDAY_MARK_DOUBTFUL_CLOCK)
    if key in of.truth.incomplete_days:
        made.marks.append(pb.WORKDAY_MARK_INCOMPLETE)
    return made


def _outcome(word: str) -> pb.ReadOutcome.ValueType:
    return pb.ReadOutcome.Value(f"READ_OUTCOME_{word.upper()}")


def _found(kind: str, on: date, servant: str, first: str, seconds: int, rule: str) -> Found:
    return Found(kind, on, servant, "", "", None, _instant(first), seconds, False, rule, "", "")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def answers() -> Answers:
    right = _right()
    key = _some(right)
    days = {**right.days, key: copy.deepcopy(right.days[key])}
    explained = {**right.explained, key: copy.deepcopy(right.explained[key])}
    return replace(right, days=days, explained=explained, findings=list(right.findings))


def test_answers_that_are_the_truth_differ_in_nothing(answers: Answers) -> None:
    verdict = answers.verdict()
    assert [str(each) for each in verdict.differences] == []
    assert verdict.days == len(answers.days) == 7 * len(answers.world.truth.document["servants"])
    assert verdict.figures == 15 * verdict.days
    assert (verdict.precision, verdict.recall, verdict.expected) == (1.0, 1.0, len(answers.world.truth.findings))


def _some(answers: Answers) -> Key:
    """A day with reads, stays and a finding."""
    return next(
        (it.servant, it.on) for it in answers.findings if it.kind == "late" and (it.servant, it.on) not in answers.world.truth.doubtful_days
    )


def _one_second_more(name: str) -> Callable[[Answers], None]:
    def spoil(answers: Answers) -> None:
        seconds = answers.days[_some(answers)].seconds
        setattr(seconds, name, getattr(seconds, name) + 1)

    return spoil


def _late(answers: Answers) -> Found:
    return next(each for each in answers.findings if (each.servant, each.on) == _some(answers))


def _instead(answers: Answers, **changes: Any) -> None:
    old = _late(answers)
    answers.findings[answers.findings.index(old)] = replace(old, **changes)


SPOILT: dict[str, Callable[[Answers], Any]] = {
    **{f"a second of {field.name}": _one_second_more(field.name) for field in pb.WorkdaySeconds.DESCRIPTOR.fields},
    "the state": lambda answers: setattr(answers.days[_some(answers)], "state", pb.WORKDAY_STATE_WAITING),
    "the window": lambda answers: answers.days[_some(answers)].window_end.FromSeconds(0),
    "a stay": lambda answers: answers.days[_some(answers)].stays.pop(),
    "a stay that was assumed": lambda answers: setattr(answers.days[_some(answers)].stays[0], "assumed", True),
    "a read": lambda answers: answers.explained[_some(answers)].reads.pop(),
    "what became of a read": lambda answers: setattr(answers.explained[_some(answers)].reads[0], "outcome", pb.READ_OUTCOME_VOID),
    "a mark": lambda answers: answers.days[_some(answers)].marks.append(pb.WORKDAY_MARK_DOUBTFUL_CLOCK),
    "a day that is missing": lambda answers: answers.days.pop(_some(answers)),
    "a finding that is missing": lambda answers: answers.findings.remove(_late(answers)),
    "a finding too many": lambda answers: answers.findings.append(replace(_late(answers), kind="absent")),
    "a finding of an unknown day": lambda answers: answers.findings.append(replace(_late(answers), on=date(2027, 1, 1))),
    "a finding's first second": lambda answers: _instead(answers, first=_late(answers).first + timedelta(seconds=1)),
    "a finding's seconds": lambda answers: _instead(answers, seconds=1),
    "a finding's rule": lambda answers: _instead(answers, rule="lc-1"),
    "a finding that was withdrawn": lambda answers: _instead(answers, withdrawn=True),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_difference_is_seen_and_named(answers: Answers, what: str) -> None:
    servant, on = _some(answers)
    SPOILT[what](answers)
    differences = answers.verdict().differences
    assert differences
    assert any(servant in str(each) for each in differences)
    assert str(on) in str(differences[0]) or "date(" in str(differences[0])


def test_what_is_seen_later_than_promised_is_named(answers: Answers) -> None:
    late = dict.fromkeys(answers.first_seen, answers.world.end)
    differences = replace(answers, first_seen=late).verdict().differences
    promised = [each for each in answers.world.truth.findings if each.seen_by is not None]
    assert len(differences) == len(promised) > 0


def _counted(of: World, exposition: str) -> Verdict:
    http: aiohttp.ClientSession = None  # type: ignore[assignment]  # nothing is sent
    devices: dict[str, SimulatedDevice] = {each.serial: simulated(each, http, "") for each in of.devices}
    for serial, counts in of.truth.counts.items():
        devices[serial].sent = devices[serial].acknowledged = counts.sent
    verdict = Verdict()
    lines = compare_counts(verdict, of, devices, read(exposition), read(exposition))
    assert all(line.lost == 0 for line in lines) or verdict.differences
    return verdict


def _exposition(of: World) -> str:
    lines = []
    for device, counts in of.truth.counts.items():
        for name, value in (
            ("gateway_received", counts.sent), ("gateway_published", counts.passages + counts.repeated), ("gateway_ignored", counts.ignored),
            ("gateway_unanswered", 0), ("gateway_refused", 0), ("passages_stored", counts.passages), ("passages_repeated", counts.repeated),
        ):  # fmt: skip
            lines.append(f'tartip_{name}_total{{device="{device}"}} {value}.0')
        lines.append(f'tartip_gateway_parked_total{{device="{device}",reason="malformed"}} {counts.parked}.0')
    return "\n".join(lines)


def test_counters_that_add_up_differ_in_nothing() -> None:
    of = _right().world
    assert _counted(of, _exposition(of)).differences == []


COUNTERS = (
    "gateway_received", "gateway_published", "gateway_ignored", "gateway_parked", "gateway_unanswered", "gateway_refused",
    "passages_stored", "passages_repeated",
)  # fmt: skip


@pytest.mark.parametrize("name", COUNTERS)
def test_a_record_that_is_lost_is_seen(name: str) -> None:
    of = _right().world
    lines = _exposition(of).splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith(f"tartip_{name}_total"))
    named, _, value = lines[at].rpartition(" ")
    lines[at] = f"{named} {float(value) + 1}"
    assert _counted(of, "\n".join(lines)).differences


def _accounts(of: World) -> dict[str, RecordCounts]:
    return {
        device: RecordCounts(
            received=counts.sent, stored=counts.passages, repeated=counts.repeated, parked=counts.parked, no_passages=counts.ignored
        )
        for device, counts in of.truth.counts.items()
    }


def _accounted(of: World, accounts: dict[str, RecordCounts]) -> Verdict:
    verdict = Verdict()
    compare_accounts(verdict, of, accounts)
    return verdict


def test_accounts_that_close_differ_in_nothing() -> None:
    of = _right().world
    assert _accounted(of, _accounts(of)).differences == []


@pytest.mark.parametrize("name", ["received", "stored", "repeated", "parked", "no_passages", "in_flight"])
def test_an_account_that_does_not_close_is_seen(name: str) -> None:
    of = _right().world
    accounts = _accounts(of)
    first = next(iter(accounts))
    setattr(accounts[first], name, getattr(accounts[first], name) + 1)
    assert len(_accounted(of, accounts).differences) == 1
    del accounts[first]
    assert _accounted(of, accounts).differences


def test_metrics_are_read_with_their_labels() -> None:
    metrics = read('# HELP x\ntartip_a{topic="t",partition="1"} 3.0\ntartip_a{topic="t",partition="2"} 4.0\ntartip_b 1.5\npython_c 9.0\n')
    assert metrics.value("tartip_a", topic="t", partition="2") == 4.0
    assert metrics.by("tartip_a", "topic") == {("t",): 7.0}
    assert metrics.value("tartip_b") == 1.5
    assert metrics.value("python_c") == 0.0
