"""Reading passages from Kafka: our consumer over Faust against a plain one of librdkafka, on the same messages of 200 passages.

Both decode every message. Ours hands them out unacknowledged, in groups of one transaction's worth, and acknowledges in
order; the plain one only counts. Each reads the whole topic in a process of its own, in turn; the first tenth is a run-up.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date

from .batches import batches, passage, publish
from .figures import Figure, at_least, median
from .nation import Nation
from .stand import Stand, module
from .stream_reader import FAUST, PLAIN

SERVANTS, PASSAGES, A_MESSAGE, ROUNDS = 90_000, 600_000, 200, 3
TOPIC, PARTITIONS = "bench.passages.v1", 4
DAY = date(2026, 11, 24)


async def measure(stand: Stand) -> Sequence[Figure]:
    """Lets both read the same topic, round after round."""
    async with AsyncExitStack() as stack:
        kafka = await stand.kafka(stack)
        await asyncio.to_thread(kafka.create, [TOPIC])
        passages, octets = await asyncio.to_thread(_published, kafka.bootstrap, stand.size(PASSAGES, least=2_000))
        stand.say(f"{passages:,} passages of {octets / passages:.0f} octets are in Kafka")
        rounds: dict[str, list[dict[str, float]]] = {FAUST: [], PLAIN: []}
        times = stand.rounds(ROUNDS)
        for number in range(times):
            for kind, said in rounds.items():
                said.append(await _read(kind, kafka.bootstrap, passages))
            shown = ", ".join(f"{kind} {said[-1]['per_second']:,.0f}/s" for kind, said in rounds.items())
            stand.say(f"round {number + 1} of {times}: {shown}")
    ours, plain = ([each["per_second"] for each in rounds[kind]] for kind in (FAUST, PLAIN))
    return [
        median("our consumer over Faust", ours, "passages/s", at_least(200_000)),
        median("against a plain consumer", [a / b for a, b in zip(ours, plain, strict=True)], "×", at_least(0.25)),
        median("plain confluent-kafka consumer", plain, "passages/s"),
        median("CPU of a passage, ours", [each["cpu_us"] for each in rounds[FAUST]], "µs"),
        median("CPU of a passage, plain", [each["cpu_us"] for each in rounds[PLAIN]], "µs"),
        Figure("a passage in its message", octets / passages, "octets"),
    ]


def _published(bootstrap: str, most: int) -> tuple[int, int]:
    """Puts a part of a nation's day into the topic, only full messages; how many passages, how many octets."""
    nation = Nation(SERVANTS if most == PASSAGES else max(2, most // 8), DAY)
    every = (passage(nation, each) for each in nation.passings()[:most])
    full = [(place, batch) for place, batch in batches(every, A_MESSAGE, PARTITIONS) if len(batch.passages) == A_MESSAGE]
    return len(full) * A_MESSAGE, publish(bootstrap, TOPIC, full)


async def _read(kind: str, bootstrap: str, passages: int) -> dict[str, float]:
    arguments = (f"{__package__}.stream_reader", kind, bootstrap, TOPIC, str(passages))
    async with module(*arguments, environment=os.environ) as process:
        code = await process.ended
    if code != 0:
        raise RuntimeError(f"the reader by {kind} failed:\n" + "\n".join(process.last))
    said: dict[str, float] = json.loads(process.last[-1])
    return said
