"""Row-level security behind the filters: a query that forgets its filter gives nothing of others."""

import pytest
from chassis.personal_data.holds import save_holds
from chassis.testing.tokens import caller
from chassis.testing.wall import open_tables, seen_by
from kernel.days import DaySpan
from kernel.holds import Hold

from .platform import Platform
from .samples import MONDAY, WEDNESDAY
from .serving import Timekeeping

# What is to be done and how far it is: keys and dates, only added to by the application.
WORK_AHEAD = {"due_days", "due_device_days", "due_looks", "due_reads", "device_looks"}
# Places in topics and in time, of nobody.
PLACES = {"account_levels", "purged_changes", "recorded_gaps", "recorded_positions", "reconciliations"}
NATION, HR, MF = "/nation/inspector", "/state-bodies/KGD/hr-officer", "/state-bodies/MF/hr-officer"


async def test_every_table_of_people_bodies_and_devices_has_a_policy(platform: Platform) -> None:
    assert await open_tables(platform.database) == WORK_AHEAD | PLACES


@pytest.mark.parametrize("grants", [None, [], ["/state-bodies/XX/hr-officer"], ["/regions/99/inspector"], ["/systems/x/device-gateway"]])
async def test_whoever_reaches_nothing_sees_nothing_whatever_is_asked(served: Timekeeping, grants: list[str] | None) -> None:
    who = caller("somebody", grants) if grants is not None else None
    assert await seen_by(served.platform.database, served.platform.database.app, who) == {}


async def test_a_query_without_a_condition_gives_what_the_caller_reaches(served: Timekeeping) -> None:
    database = served.platform.database
    everything = await seen_by(database, database.worker, None)
    assert set(everything) >= {"passages", "workdays", "workday_versions", "findings", "badges", "device_days", "plan_days"}
    nation = await seen_by(database, database.app, caller("inspector", [NATION]))
    assert nation == {table: count for table, count in everything.items() if table != "passages"}, "a passage is seen by nobody"
    kgd, mf = [await seen_by(database, database.app, caller("hr", [grant])) for grant in (HR, MF)]
    for table in ("workdays", "workday_versions", "workday_changes", "plan_days", "badges", "appointments", "body_states"):
        assert mf[table], table
        assert kgd[table] + mf[table] == nation[table], table
    assert (kgd["devices"], mf.get("devices"), mf.get("device_days")) == (nation["devices"], None, None)
    own = await seen_by(database, database.app, caller("S1", servant="S1"))
    assert (own["servants"], own["badges"], own.get("body_states"), own.get("devices")) == (1, 1, None, None)
    assert own["workdays"] < kgd["workdays"]


@pytest.mark.parametrize(
    ("grants", "seen"), [([HR], 0), (["/state-bodies/KGD/auditor"], 0), (["/regions/75/inspector"], 1), (["/regions/10/inspector"], 0)]
)
async def test_of_an_inspection_those_of_the_region_know_and_not_those_of_the_body(
    served: Timekeeping, grants: list[str], seen: int
) -> None:
    database = served.platform.database
    async with database.worker.transaction() as transaction:
        await save_holds(transaction, {"KGD": [Hold("h1", DaySpan(MONDAY, WEDNESDAY))]})
    found = await seen_by(database, database.app, caller("somebody", grants))
    assert found.get("legal_holds", 0) == seen
