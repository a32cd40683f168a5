"""Timetracking's database came back from a backup, or its topics were lost: what is read again, what is told again, what is forgotten."""

from argparse import Namespace
from functools import partial
from typing import Any

import pytest
from chassis.brokers import Brokers
from chassis.commands import NothingDone
from chassis.eras import era_and_revision, published_as
from chassis.publisher import Publisher
from chassis.restoration.commands import TOPICS, restoring
from chassis.restoration.rewinding import rewind
from chassis.survey import survey
from chassis.testing.broker import Broker
from pydantic import SecretStr
from tartip.timetracking.v1.events_pb2 import FindingChanged, WorkdayChanged
from timetracking import commands
from timetracking.accounts.repository import StoredAccounts
from timetracking.passages.consumer import MOST
from timetracking.restoration import FOLLOWED, own_topics, positions
from timetracking.settings import TimetrackingSettings

from .platform import Platform
from .samples import TUESDAY, four

WORKDAYS, FINDINGS, PASSAGES = "timetracking.workdays.v1", "timetracking.findings.v1", "timetracking.passages.v1"
OF_THE_GATEWAY = "00000000-0000-0000-0000-0000000000ff"
PARKED = """
INSERT INTO parked_records (id, topic, key, partition, lay_partition, lay_offset, device, date, reason, error, origin, first_failed_at,
                            parked_at, attempts, state, sendable, headers, size)
VALUES ($1, $2, '', 0, 0, 5, 'gate', '2026-11-24', 'bug', '', '', now(), now(), 1, $3, true, '{}', 1)
"""

FORGOTTEN = Namespace(command="restored", what=TOPICS, look=None, by="A. Serikova")
TOPICS_LOST = restoring("timetracking", TimetrackingSettings, commands.restoration, commands.forget_places)


def settings(platform: Platform, kafka: str) -> TimetrackingSettings:
    unused: dict[str, Any] = {"issuer": "", "listen": "", "admin_listen": "", "page_key": SecretStr("")}
    return TimetrackingSettings(
        database_url=platform.database.urls.worker, migrator_database_url=platform.database.urls.migrator, kafka=kafka, **unused
    )


async def publish(kafka: str, topic: str, *told: tuple[str, Any]) -> None:
    publisher = Publisher(Brokers(kafka))
    for key, state in told:
        await publisher.send(topic, key.encode(), state.SerializeToString(), {})
    await publisher.close()


@pytest.fixture
async def kept(platform: Platform, quiet_broker: Broker) -> Platform:
    """S1's Tuesday is kept and nothing is on its way; the topics are there."""
    quiet_broker.create([*FOLLOWED.topics, WORKDAYS, FINDINGS])
    await platform.record(four(TUESDAY))
    await platform.sql("DELETE FROM outbox")
    return platform


async def test_passages_are_read_again_from_where_they_were_recorded_and_states_from_where_they_were_applied(platform: Platform) -> None:
    await platform.sql("INSERT INTO recorded_positions VALUES ($1, 0, 7, 2)", PASSAGES)
    await platform.sql("INSERT INTO projection_positions VALUES ('regimes.plans.v1', 1, 9, 4)")
    async with platform.database.worker.transaction() as transaction:
        assert await positions(transaction) == {(PASSAGES, 0): 7, ("regimes.plans.v1", 1): 4}


async def test_a_passage_that_was_rejected_and_not_parked_yet_when_the_backup_was_taken_is_read_again(platform: Platform) -> None:
    """It was applied and acknowledged after the backup; what was rejected groups ago was parked before anything else was recorded."""
    gaps = [(0, 990 - MOST, 999 - MOST), (1, 1_000 - MOST, 1_001 - MOST), (2, 997, 998), (2, 998, 1_000), (3, 100, 1_003 - MOST)]
    for partition in range(4):
        await platform.sql("INSERT INTO recorded_positions VALUES ($1, $2, 1000, 2)", PASSAGES, partition)
    for partition, first, after in gaps:
        await platform.sql("INSERT INTO recorded_gaps VALUES ($1, $2, $3, 1, $4, 0)", PASSAGES, partition, first, after)
    async with platform.database.worker.transaction() as transaction:
        assert await positions(transaction) == {
            (PASSAGES, 0): 1_000,
            (PASSAGES, 1): 1_000 - MOST,
            (PASSAGES, 2): 997,
            (PASSAGES, 3): 1_000 - MOST,
        }


async def test_days_that_others_know_better_are_told_anew_and_the_group_goes_back(kept: Platform, quiet_broker: Broker) -> None:
    day = (await kept.days())[TUESDAY]
    await publish(
        quiet_broker.bootstrap,
        WORKDAYS,
        (f"S1/{TUESDAY}", WorkdayChanged(servant="S1", revision=day.revision + 5)),
        ("S9/2026-11-24", WorkdayChanged(servant="S9", revision=1)),
    )
    await publish(quiet_broker.bootstrap, PASSAGES, *((f"{number}", WorkdayChanged()) for number in range(40)))
    ends = {place: extent.end for place, extent in (await survey(quiet_broker.brokers, "timetracking", [PASSAGES])).items()}
    await read_by_the_group(quiet_broker, ends)
    done = await commands.restoration(settings(kept, quiet_broker.bootstrap))()
    assert (done.told, done.rewound.again) == (1, 40)
    (told,) = await kept.told(WORKDAYS)
    assert (told.servant, era_and_revision(told.revision)) == ("S1", (done.era, day.revision))
    assert [sorted(each.unknown) for each in done.ahead] == [["S9/2026-11-24"], []]
    extents = await survey(quiet_broker.brokers, "timetracking", [PASSAGES])
    assert {extent.start for extent in extents.values()} == {0}


async def read_by_the_group(broker: Broker, ends: dict[tuple[str, int], int]) -> None:
    """The group committed all that there is."""
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(**broker.brokers.aiokafka(), group_id="timetracking", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(*place) for place in ends])
    await consumer.commit({TopicPartition(*place): end for place, end in ends.items()})
    await consumer.stop()
    assert (await rewind(broker.brokers, "timetracking", [PASSAGES], ends)).again == 0


async def test_calls_that_follow_from_a_topic_wait_until_it_is_read_again(kept: Platform, quiet_broker: Broker) -> None:
    await publish(quiet_broker.bootstrap, "registry.bodies.v1", ("KGD", WorkdayChanged()))
    places = await survey(quiet_broker.brokers, "timetracking", ["registry.bodies.v1"])
    for topic, number in places:
        await kept.sql("INSERT INTO projection_positions VALUES ($1, $2, 0, 0)", topic, number)
    await commands.restoration(settings(kept, quiet_broker.bootstrap))()
    behind = await kept.sql("SELECT topic FROM projection_positions WHERE applied < start_offset")
    assert [row["topic"] for row in behind] == ["registry.bodies.v1"]


async def test_findings_that_others_know_better_are_told_anew(kept: Platform, quiet_broker: Broker) -> None:
    while await kept.close():
        pass
    await kept.sql("DELETE FROM outbox")
    finding = (await kept.findings())[0]
    key = str(finding.claim.id)
    await publish(quiet_broker.bootstrap, FINDINGS, (key, FindingChanged(finding=key, revision=published_as(0, finding.revision + 1))))
    done = await commands.restoration(settings(kept, quiet_broker.bootstrap))()
    (told,) = await kept.told(FINDINGS)
    assert (told.finding, era_and_revision(told.revision)) == (key, (done.era, finding.revision))


async def test_a_day_that_is_not_kept_any_more_is_not_counted_as_told(kept: Platform) -> None:
    days, _ = own_topics(partial(commands._begin, settings(kept, "")))
    assert await days.tell(kept.database.worker, [f"S1/{TUESDAY}", "S9/2026-11-24"]) == 1


async def test_topics_that_hold_what_was_read_of_them_were_not_lost(platform: Platform, quiet_broker: Broker) -> None:
    """What is forgotten would be counted a second time."""
    quiet_broker.create([PASSAGES])
    await publish(quiet_broker.bootstrap, PASSAGES, *((f"{number}", WorkdayChanged()) for number in range(40)))
    for number in range(4):
        await platform.sql("INSERT INTO read_positions VALUES ('accounts', $1, $2, 1)", PASSAGES, number)
    with pytest.raises(NothingDone, match=f"^{PASSAGES} reach as far as they were read"):
        await TOPICS_LOST.once(settings(platform, quiet_broker.bootstrap), FORGOTTEN)
    assert len(await platform.sql("SELECT FROM read_positions")) == 4


async def test_a_look_at_lost_topics_is_refused_and_forgets_nothing(platform: Platform) -> None:
    await platform.sql("INSERT INTO read_positions VALUES ('accounts', $1, 0, 7)", PASSAGES)
    with pytest.raises(NothingDone, match="leave --look away"):
        await TOPICS_LOST.once(settings(platform, ""), Namespace(**vars(FORGOTTEN) | {"look": True}))
    assert len(await platform.sql("SELECT FROM read_positions")) == 1


async def test_where_topics_were_lost_their_places_are_forgotten_and_what_was_sent_again_waits_once_more(
    platform: Platform, quiet_broker: Broker
) -> None:
    quiet_broker.create([PASSAGES, "regimes.plans.v1"])
    await platform.sql("INSERT INTO recorded_positions VALUES ($1, 0, 7, 2)", PASSAGES)
    await platform.sql("INSERT INTO recorded_gaps VALUES ($1, 0, 3, 0, 4, 0)", PASSAGES)
    await platform.sql("INSERT INTO projection_positions VALUES ('regimes.plans.v1', 0, 9, 4)")
    await platform.sql("INSERT INTO read_positions VALUES ('accounts', $1, 0, 7)", PASSAGES)
    for number, state in ((1, "parked"), (2, "sent_again"), (3, "taken_up")):
        await platform.sql(
            PARKED.replace("$1", f"'00000000-0000-0000-0000-00000000000{number}'")
            .replace("$2", f"'{PASSAGES}'")
            .replace("$3", f"'{state}'")
        )
    for topic in (PASSAGES, WORKDAYS):
        await platform.sql("INSERT INTO outbox (topic, key, headers) VALUES ($1, '', '{}')", topic)
    before = {str(row["id"]) for row in await platform.sql("SELECT id FROM parked_records")}
    await platform.sql(
        PARKED.replace("$1", f"'{OF_THE_GATEWAY}'")
        .replace("$2", f"'{PASSAGES}'")
        .replace("$3", "'parked'")
        .replace("'', '', now()", "'', 'gateway:75', now()")
    )
    said = await TOPICS_LOST.once(settings(platform, quiet_broker.bootstrap), FORGOTTEN)
    assert "republish" in said
    for table in ("recorded_positions", "recorded_gaps", "projection_positions", "read_positions"):
        assert await platform.sql(f"SELECT FROM {table}") == [], table
    rows = await platform.sql("SELECT id, lay_partition, lay_offset, state FROM parked_records ORDER BY place")
    assert [(row["lay_partition"], row["lay_offset"], row["state"]) for row in rows] == [
        (None, None, "parked"),
        (None, None, "parked"),
        (None, None, "taken_up"),
        (None, None, "parked"),
    ]
    assert not before & {str(row["id"]) for row in rows}
    assert str(rows[-1]["id"]) == OF_THE_GATEWAY, "the device sends it again under what it is"
    # What others are to be told is on its way still; what was to be recorded under its old ID is not.
    assert {row["topic"] for row in await platform.sql("SELECT topic FROM outbox")} & {PASSAGES, WORKDAYS} == {WORKDAYS}
    (record,) = await platform.sql("SELECT action, subject FROM audit_records WHERE action LIKE 'restoration%'")
    assert record["action"] == "restoration.forget-places"


async def test_where_topics_were_lost_before_who_counts_had_read_them_what_came_to_something_counts_as_come(
    platform: Platform, quiet_broker: Broker
) -> None:
    """Who counts was four passages behind who records; of another gate's two nobody had recorded."""
    await platform.record(four(TUESDAY))
    await platform.sql("INSERT INTO device_receipts VALUES ('other', $1, 2, 0, 0)", TUESDAY)
    await TOPICS_LOST.once(settings(platform, quiet_broker.bootstrap), FORGOTTEN)
    async with platform.database.worker.transaction() as transaction:
        accounts = StoredAccounts(transaction)
        found = dict(await accounts.page(None, 10))
    assert {device: (counts.received, counts.stored, counts.in_flight) for device, counts in found.items()} == {
        "gate": (4, 4, 0),
        "other": (2, 0, 2),
    }


async def test_where_both_were_lost_places_are_forgotten_first_and_what_is_published_again_is_in_the_era(
    kept: Platform, quiet_broker: Broker
) -> None:
    await kept.sql("INSERT INTO read_positions VALUES ('accounts', $1, 0, 7)", PASSAGES)
    told = settings(kept, quiet_broker.bootstrap)
    await TOPICS_LOST.once(told, FORGOTTEN)
    done = await commands.restoration(told)()
    assert (done.told, done.rewound.again, done.rewound.gone) == (0, 0, 0)
    assert await commands.republish(told, WORKDAYS, None)
    assert {era_and_revision(each.revision)[0] for each in await kept.told(WORKDAYS)} == {done.era}
