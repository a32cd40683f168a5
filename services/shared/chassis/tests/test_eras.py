"""What is published after a restoration is newer than all before, and its rows go on counting as they did."""

from chassis.eras import era_and_revision, newest_era, of_era, published_as
from chassis.outbox import outbox_row
from chassis.testing.fixtures import MakeDatabase
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given
from hypothesis import strategies as st
from tartip.registry.v1.events_pb2 import ServantChanged

TOPIC = "registry.servants.v1"
eras, revisions = st.integers(0, 2**31 - 1), st.integers(1, 2**32 - 1)


@given(eras, revisions, eras, revisions)
def test_a_later_era_is_newer_whatever_its_revisions(era: int, revision: int, other: int, of_other: int) -> None:
    assert (published_as(era, revision) < published_as(other, of_other)) == ((era, revision) < (other, of_other))
    assert era_and_revision(published_as(era, revision)) == (era, revision)
    assert published_as(era, revision) < 2**63


def test_before_the_first_restoration_a_state_goes_out_as_it_is() -> None:
    row = outbox_row(TOPIC, "aida", changed := ServantChanged(event_id="e1", revision=3))
    assert of_era(row, changed, 0) is row


def test_the_same_revision_of_another_era_is_another_event() -> None:
    row = outbox_row(TOPIC, "aida", changed := ServantChanged(event_id="e1", revision=3, servant="aida"))
    first, again, later = (of_era(row, changed, era) for era in (1, 1, 2))
    told = ServantChanged.FromString(first.payload or b"")
    assert (told.servant, told.revision, told.event_id) == ("aida", published_as(1, 3), first.headers["event_id"])
    assert first == again
    assert len({row.headers["event_id"], first.headers["event_id"], later.headers["event_id"]}) == 3
    assert changed.revision == 3


def test_what_has_no_revision_and_what_is_erased_go_out_as_they_are() -> None:
    for message in (StringValue(value="a"), None):
        row = outbox_row(TOPIC, "aida", message)
        assert of_era(row, message, 7) is row


async def test_a_process_that_enters_anew_is_in_the_era_that_began_meanwhile(database: MakeDatabase) -> None:
    """A server that came back from a backup is entered anew, also by who was at work before it was lost."""
    fresh = await database("chassis.testing.bare")
    for era in (0, 7):
        async with fresh.worker.transaction() as tx:
            await (await tx.driver()).execute("INSERT INTO eras (era) VALUES ($1) ON CONFLICT DO NOTHING", era)
        await fresh.app.engine.dispose()
        async with fresh.app.transaction() as tx:
            tx.publish(TOPIC, "aida", ServantChanged(event_id="e1", revision=2))
    rows = await fresh.rows("SELECT payload FROM outbox ORDER BY xid, id")
    assert [ServantChanged.FromString(row["payload"]).revision for row in rows] == [2, published_as(7, 2)]


async def test_a_transaction_publishes_in_the_newest_era_of_its_database(database: MakeDatabase) -> None:
    fresh = await database("chassis.testing.bare")
    async with fresh.worker.transaction() as tx:
        assert await newest_era(await tx.driver()) == 0
        await (await tx.driver()).execute("INSERT INTO eras (era) VALUES (3), (5)")
    async with fresh.app.transaction() as tx:
        tx.publish(TOPIC, "aida", ServantChanged(event_id="e1", revision=2))
    (row,) = await fresh.rows("SELECT payload FROM outbox")
    assert ServantChanged.FromString(row["payload"]).revision == published_as(5, 2)
