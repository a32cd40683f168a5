"""From what was measured to what a region needs: pure arithmetic, every assumption by its name.

Units: cores, octets, seconds; a day of passages is a working day.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chassis.personal_data.declarations import Aging, DataClass, Passing
from chassis.testing.kafka import TOPICS
from chassis.topics import Cleanup, Topic, read
from lawbook import load
from regimes.personal_data import DATA_CLASSES as OF_REGIMES
from timetracking.personal_data import DATA_CLASSES

from .costs import Costs

QUARTER_OF_AN_HOUR_S, HOUR_S, DAY_S = 900, 3_600, 86_400
MILLI, MIB = 1_000, 2**20
# What is deleted by purges lies there for as long as the longest of them lets it.
PURGED_AFTER_DAYS = 30
# Spread over replicas by the partitions of the topic of passages; of workers one is active a database.
YEARS = (1, 3, 5)
OURS, PLANS_TOPIC, PASSAGES_TOPIC = ("gateway", "consume", "work", "serve"), "regimes.plans.v1", "timetracking.passages.v1"
PLANNING = "regimes work"
DAYS_OF_A_MONTH, DAYS_OF_A_YEAR, MONTHS_OF_A_YEAR = 30.4, 365, 12


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What nobody measured here, each with its reason."""

    busiest_share: float = 0.08
    """Of a day's passages those in its busiest quarter of an hour: one of eight is the arrival, and two thirds arrive by 9:00."""
    calls: float = 10.0
    """Calls of RPCs for a servant and day: own days, heads, HR, portals."""
    changes: float = 4.0
    """Changes of a servant's file in a year; each leaves as much in the registry, with its audit, as their recording did."""
    audited_share: float = 0.1
    """Of them those that are audited, as an explanation is."""
    busiest_calls_share: float = 0.2
    """Of a day's calls those in its busiest hour."""
    headroom: float = 2.0
    """Requests are so many times what the busiest quarter of an hour takes."""
    memory_headroom: float = 1.5
    """And so many times the most memory that was seen."""
    disk_headroom: float = 1.5
    """Disks are so many times what lies on them: dead rows, sorting, a copy of an index."""
    least_cores: float = 0.1
    """Nobody asks for less: a start takes two and a half seconds of a core, on a full machine half a minute."""
    full_core: float = 0.8
    """A process of ours fills one core at most; what asks for more than so much of one gets a replica more."""
    replicas: int = 2
    """Of everything, so that one may be away."""
    working_days: int = 250
    """Of a year; days off are planned as well, and nobody passes."""
    server_cores: float = 2.0
    """Cores that PostgreSQL may use while a backlog is caught up: requests are no limits."""
    hours_of_passages: float = 10.0
    """An outage that lasts so long in the day has all passages of the day in its backlog."""


ASSUMED = Assumptions()


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload of a region: how many replicas, and what each of them asks for."""

    name: str
    replicas: int
    cores: float
    memory: float


@dataclass(frozen=True, slots=True)
class Region:
    """What a region of so many servants needs.

    founding_s, roll_s: CPU seconds of registry and regimes to record all servants and plan their months, once, and to plan one more month.
    No request is made for them: both are work of minutes that nobody waits for, and takes what is free; CPU has no limit.
    """

    servants: int
    passages_a_day: float
    busiest_passages_a_second: float
    workloads: tuple[Workload, ...]
    postgres_cores: float
    kafka_cores: float
    syncs_a_second: float
    wal_a_day: float
    database: Mapping[int, float]
    registry: Mapping[int, float]
    regimes: Mapping[int, float]
    kafka_disk: float
    kafka_a_day: float
    network_octets_a_second: float
    founding_s: float
    roll_s: float


def sized(costs: Costs, assumed: Assumptions, servants: int) -> Region:
    """What a region of so many servants needs."""
    passages = servants * costs.counts["passages"]
    busiest = passages * assumed.busiest_share / QUARTER_OF_AN_HOUR_S
    asked = servants * assumed.calls * assumed.busiest_calls_share / HOUR_S
    cores = {process: line.at(busiest) for process, line in costs.cores.items()}
    return Region(
        servants,
        passages,
        busiest,
        tuple(_workloads(costs, assumed, busiest, asked)),
        assumed.headroom * (cores["postgres"] + asked * _a_call(costs, "postgres")),
        assumed.headroom * cores["kafka"],
        costs.syncs.at(busiest),
        costs.wal.at(servants),
        {years: database(costs, assumed, servants, years) for years in YEARS},
        {years: registry(costs, assumed, servants, years) for years in YEARS},
        {years: regimes(costs, assumed, servants, years) for years in YEARS},
        assumed.disk_headroom * kafka_disk(costs, assumed, servants),
        sum(line.at(servants) for line in costs.kafka.values()),
        busiest * costs.request,
        servants * sum(costs.founded.cpu.values()),
        servants * costs.founded.cpu.get(PLANNING, 0.0) / costs.founded.months,
    )


def _workloads(costs: Costs, assumed: Assumptions, busiest: float, asked: float) -> list[Workload]:
    found = []
    for process in OURS:
        curve = costs.cores[process]
        each = curve.at(busiest) - curve.anyway + asked * _a_call(costs, process)
        replicas = _replicas(process, curve.anyway, each, assumed)
        shared = each if process == "work" else each / replicas
        found.append(_asking(f"timetracking {process}", replicas, curve.anyway + shared, costs.memory[process], assumed))
    for name, rest in costs.resting.items():
        if not name.startswith("timetracking "):
            found.append(_asking(name, assumed.replicas, rest.cores, rest.memory, assumed))
    return found


def _replicas(process: str, anyway: float, each: float, assumed: Assumptions) -> int:
    """How many share the work, so that none needs more than a core. Of workers one is active, however many there are."""
    room = assumed.full_core - assumed.headroom * anyway
    needed = assumed.replicas if process == "work" or room <= 0 else max(assumed.replicas, math.ceil(assumed.headroom * each / room))
    return min(needed, partitions()) if process == "consume" else needed


def _asking(name: str, replicas: int, cores: float, memory: float, assumed: Assumptions) -> Workload:
    asked = max(assumed.least_cores, assumed.headroom * cores)
    return Workload(
        name, replicas, math.ceil(asked * MILLI / 10) * 10 / MILLI, math.ceil(memory * assumed.memory_headroom / MIB / 16) * 16 * MIB
    )


def _a_call(costs: Costs, process: str) -> float:
    """CPU seconds of a call, of whatever kind."""
    return sum(each.get(process, 0.0) for each in costs.calls.values()) / len(costs.calls)


def database(costs: Costs, assumed: Assumptions, servants: int, years: float) -> float:
    """Octets of timetracking's database after some years: what has its term goes when that is over."""
    total = costs.standing.at(servants)
    for table, line in costs.database.items():
        total += line.of_each * servants * assumed.working_days / DAYS_OF_A_YEAR * min(years * DAYS_OF_A_YEAR, kept_days(table))
    total += costs.plans.of_each * servants * min(years * DAYS_OF_A_YEAR, kept_days("plan_days"))
    audited = servants * assumed.calls * assumed.audited_share * assumed.working_days * years
    return assumed.disk_headroom * (total + audited * costs.audited)


def registry(costs: Costs, assumed: Assumptions, servants: int, years: float) -> float:
    """Octets of the registry's database after some years."""
    return assumed.disk_headroom * servants * costs.founded.octets["registry"] * (1 + assumed.changes * years)


def regimes(costs: Costs, assumed: Assumptions, servants: int, years: float) -> float:
    """Octets of regimes' database after some years: plans by the month, until their term is over; what is there once counts with them."""
    days = min(years * DAYS_OF_A_YEAR, kept_days("month_plans", OF_REGIMES))
    months = costs.founded.months + days / DAYS_OF_A_YEAR * MONTHS_OF_A_YEAR
    return assumed.disk_headroom * servants * costs.founded.octets["regimes"] / costs.founded.months * months


def kept_days(table: str, of: Sequence[DataClass] = DATA_CLASSES) -> float:
    """How many days a row of a database, timetracking's where no other is named, is kept; without end where nobody deletes it."""
    keeping = {each.table: each.keeping for each in of}.get(table)
    if isinstance(keeping, Aging):
        return _years(keeping.term) * DAYS_OF_A_YEAR + keeping.margin
    return PURGED_AFTER_DAYS if isinstance(keeping, Passing) else math.inf


def _years(term: str) -> float:
    return float(load().require(term, date.today()).value)


def kafka_disk(costs: Costs, assumed: Assumptions, servants: int, environment: str = "region") -> float:
    """Octets on the disks of all brokers of an environment when as much goes as comes."""
    topics: Mapping[str, Topic] = {each.name: each for each in read(TOPICS)}
    total = 0.0
    for name, line in costs.kafka.items():
        topic = topics[name]
        if topic.cleanup is Cleanup.DELETE and topic.retention_ms is not None:
            days = topic.retention_ms / 1_000 / DAY_S * assumed.working_days / DAYS_OF_A_YEAR
            total += topic.replication[environment] * line.at(servants) * days
    # Of compacted topics the newest states stay; a month's plan until its term is over.
    months = costs.founded.months + kept_days("plan_months") / DAYS_OF_A_YEAR * MONTHS_OF_A_YEAR
    for name, octets in costs.founded.topics.items():
        share = months / costs.founded.months if name == PLANS_TOPIC else 1.0
        total += topics[name].replication[environment] * octets * servants * share
    return total


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """How a backlog is worked off: passages, how many a second, seconds, and who is the slowest."""

    passages: float
    a_second: float
    seconds: float
    slowest: str


def caught_up(costs: Costs, assumed: Assumptions, region: Region, hours: float) -> CatchingUp:
    """After an outage of some hours of a working day, with a core for each process and nothing else to do."""
    backlog = region.passages_a_day * min(1.0, hours / assumed.hours_of_passages)
    replicas = {each.name.partition(" ")[2]: each.replicas for each in region.workloads if each.name.startswith("timetracking ")}
    cores: Mapping[str, float] = {
        "gateway": replicas["gateway"],
        "consume": min(replicas["consume"], partitions()),
        "work": 1.0,
        "postgres": assumed.server_cores,
        "kafka": 1.0,
    }
    speed = {process: cores[process] / costs.late[process] for process in cores if costs.late[process]}
    slowest = min(speed, key=lambda process: speed[process])
    return CatchingUp(backlog, speed[slowest], backlog / speed[slowest], slowest)


def partitions() -> int:
    """Partitions of the topic of passages: more consumers than that have nothing to do."""
    topics: Any = {each.name: each for each in read(TOPICS)}
    return int(topics[PASSAGES_TOPIC].partitions)
