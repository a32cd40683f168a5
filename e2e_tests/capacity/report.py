"""Sizes as people read them: tables of a region and of the nation, and what of them goes beyond what was measured."""

import math
from collections.abc import Iterator, Sequence

from ..bench.figures import number
from .costs import Costs
from .sizing import MIB, MILLI, YEARS, Assumptions, Region, Workload, caught_up, partitions, sized

GB, MB = 1_000_000_000, 1_000_000
OUTAGES_H = (1.0, 6.0, 24.0)


def document(costs: Costs, assumed: Assumptions, servants: int, regions: int) -> str:
    """All of it, for so many servants in so many regions alike."""
    region = sized(costs, assumed, math.ceil(servants / regions))
    lines = [f"### {region.servants:,} servants in a region", "", *_region(costs, assumed, region)]
    if regions > 1:
        lines += ["", f"### {servants:,} servants in {regions} regions", "", *_nation(region, regions)]
    return "\n".join([*lines, "", *(f"- {each}" for each in beyond(costs, region))])


def _region(costs: Costs, assumed: Assumptions, region: Region) -> Iterator[str]:
    yield from _table(("workload", "replicas", "CPU request of each", "memory request of each"), map(_asked, region.workloads))
    yield ""
    yield from _table(("of the region", ""), _figures(region))
    yield ""
    outages = [(hours, caught_up(costs, assumed, region, hours)) for hours in OUTAGES_H]
    yield from _table(
        ("Kafka away for, on a working day", "backlog", "worked off in", "at", "by what is slowest"),
        [
            (f"{hours:g} h", f"{each.passages:,.0f} passages", span(each.seconds), f"{number(each.a_second)} passages/s", each.slowest)
            for hours, each in outages
        ],
    )


def _figures(region: Region) -> Iterator[tuple[str, str]]:
    consumers = next(each.replicas for each in region.workloads if each.name == "timetracking consume")
    yield "passages a working day", f"{region.passages_a_day:,.0f}"
    yield "passages a second in the busiest quarter of an hour", number(region.busiest_passages_a_second)
    yield "partitions of passages, consumers", f"{partitions()}, {consumers}"
    yield "registry and regimes: CPU to record all servants and plan their months, once", span(region.founding_s)
    yield "regimes work: CPU to plan another month of all", span(region.roll_s)
    yield "PostgreSQL: CPU request", milli(region.postgres_cores)
    yield "PostgreSQL: syncs of its log a second, busiest", number(region.syncs_a_second)
    yield "PostgreSQL: write-ahead log a working day", octets(region.wal_a_day)
    for name, of in (("timetracking", region.database), ("registry", region.registry), ("regimes", region.regimes)):
        for years in YEARS:
            yield f"PostgreSQL: disk of {name} after {years} year{'s' if years > 1 else ''}", octets(of[years])
    yield "Kafka: CPU request of each broker", milli(region.kafka_cores)
    yield "Kafka: written a working day, one copy", octets(region.kafka_a_day)
    yield "Kafka: disk of all brokers together", octets(region.kafka_disk)
    yield "from devices, busiest, without pictures", f"{octets(region.network_octets_a_second)}/s"


def _nation(region: Region, regions: int) -> list[str]:
    pods = sum(each.replicas for each in region.workloads)
    cores = sum(each.replicas * each.cores for each in region.workloads)
    memory = sum(each.replicas * each.memory for each in region.workloads)
    rows = [
        ("pods", f"{pods * regions:,}"),
        ("CPU requests of services", f"{cores * regions:,.1f} cores"),
        ("memory requests of services", octets(memory * regions)),
        (
            "CPU requests of PostgreSQL and three brokers a region",
            f"{(region.postgres_cores + 3 * region.kafka_cores) * regions:,.1f} cores",
        ),
        ("passages a working day", f"{region.passages_a_day * regions:,.0f}"),
        *((f"disks of all databases after {years} years", octets(_disks(region, years) * regions)) for years in YEARS[1:]),
        ("disks of all brokers", octets(region.kafka_disk * regions)),
    ]
    return list(_table(("of the nation", ""), rows))


def beyond(costs: Costs, region: Region) -> Sequence[str]:
    """What of a region's size was not measured, but follows from a line beyond its points."""
    servants = max(x for x, _ in costs.plans.points)
    pace = max(x for line in costs.cores.values() for x, _ in line.points)
    said = []
    if region.servants > servants:
        said.append(f"Measured with up to {servants:,.0f} servants; a region of {region.servants:,} lies on the line beyond.")
    if region.busiest_passages_a_second > pace:
        said.append(f"Measured with up to {pace:.0f} passages a second; {region.busiest_passages_a_second:.0f} lie on the line beyond.")
    said.append("Measured on two days, with one broker; years, retention and three copies are computed.")
    said.append("Of registry and regimes was measured what servants take once, and what rest takes; how often files change is assumed.")
    return said


def _disks(region: Region, years: int) -> float:
    return region.database[years] + region.registry[years] + region.regimes[years]


def _asked(each: Workload) -> tuple[str, ...]:
    return each.name, str(each.replicas), milli(each.cores), f"{each.memory / MIB:.0f}Mi"


def milli(cores: float) -> str:
    """Cores as Kubernetes writes them."""
    return f"{math.ceil(cores * MILLI / 10) * 10}m"


def octets(count: float) -> str:
    """Octets in the unit in which they are fewest digits."""
    for unit, size in (("TB", 1_000 * GB), ("GB", GB), ("MB", MB), ("kB", 1_000)):
        if count >= size:
            return f"{number(count / size)} {unit}"
    return f"{number(count)} octets"


def span(seconds: float) -> str:
    """Seconds, or minutes where there are many."""
    return f"{number(seconds)} s" if seconds < 120 else f"{number(seconds / 60)} min"


def _table(head: Sequence[str], rows: object) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:  # type: ignore[attr-defined]
        yield f"| {' | '.join(row)} |"


def measured(costs: Costs) -> str:
    """What was measured, with both points of each line, or three."""
    lines = [*_table(("the machine", ""), costs.machine.items()), ""]
    paces = sorted({x for line in costs.cores.values() for x, _ in line.points})
    lines += _table(
        ("cores", *(f"at {number(x)} passages/s" for x in paces), "CPU of a passage of a backlog"),
        [(process, *(number(y) for _, y in curve.points), ms(costs.late.get(process, 0.0))) for process, curve in costs.cores.items()],
    )
    lines.append("")
    lines += _table(("memory", "the most that was seen"), [(process, octets(most)) for process, most in costs.memory.items()])
    people = [x for x, _ in costs.plans.points]
    grown = {table: line for table, line in costs.database.items() if any(y for _, y in line.points)}
    rows = [(table, *_line(line.points), octets(1_000 * line.of_each)) for table, line in grown.items()]
    rows.append(("plan_days, each date", *_line(costs.plans.points), octets(1_000 * costs.plans.of_each)))
    rows.append(("write-ahead log", *_line(costs.wal.points), octets(1_000 * costs.wal.of_each)))
    rows += [(f"Kafka {topic}", *_line(line.points), octets(1_000 * line.of_each)) for topic, line in costs.kafka.items()]
    lines += ["", *_table(("grows in a day", *(f"{x:,.0f} servants" for x in people), "of 1,000 servants"), rows), ""]
    lines += _table(("call", "serve", "postgres"), [(rpc, ms(each["serve"]), ms(each["postgres"])) for rpc, each in costs.calls.items()])
    lines += ["", *_table(("for a servant and day", ""), [(what, number(each)) for what, each in costs.counts.items()]), ""]
    lines.append(
        f"A reading that is audited leaves {octets(costs.audited)}; a passage on its way in has {octets(costs.request)} without HTTP."
    )
    founded = costs.founded
    taken = [(f"database of {service}", octets(1_000 * each)) for service, each in founded.octets.items()]
    taken += [(f"Kafka {topic}", octets(1_000 * each)) for topic, each in founded.topics.items()]
    taken += [(f"CPU of {process}", f"{number(1_000 * each)} s") for process, each in founded.cpu.items()]
    once = f"of 1,000 servants, once; {number(founded.months)} months of each were planned"
    lines += ["", *_table((once, ""), taken)]
    lines += ["", *_table(("at rest", "cores", "memory"), [(name, number(e.cores), octets(e.memory)) for name, e in costs.resting.items()])]
    return "\n".join(lines)


def ms(seconds: float) -> str:
    """CPU seconds in thousandths."""
    return f"{number(seconds * 1_000)} ms"


def _line(points: Sequence[tuple[float, float]]) -> list[str]:
    return [octets(y) for _, y in points]
