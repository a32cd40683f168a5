"""What operators ask and do at the command line, beside the processes: parked, redrive, accounts, reconcile."""

import argparse
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from chassis.brokers import Brokers
from chassis.clock import step
from chassis.commands import Errand, NotAsItMustBe, NothingDone
from chassis.positions import Extent, Partition
from chassis.topics import parked
from kernel.faults import Malformed, NotFound
from timetracking.commands import COMMANDS

from .parking.lots import AT
from .parking.test_use_cases import Desk
from .platform import Platform
from .samples import TUESDAY, four, month_of
from .test_commands import settings

PASSAGES = "timetracking.passages.v1"
BY = ("--by", "A. Serikova")
Says = dict[str, Mapping[Partition, Extent]]
Ask = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def kafka(monkeypatch: pytest.MonkeyPatch) -> Says:
    """What Kafka says of the partitions of topics when it is asked; of others nothing."""
    says: Says = {}

    async def survey(_: Brokers, group: str | None, topics: Collection[str]) -> Mapping[Partition, Extent]:
        assert group == (None if any(each.endswith(".parked") for each in topics) else "timetracking")
        return {place: extent for topic in topics for place, extent in says.get(topic, {}).items()}

    monkeypatch.setattr("chassis.survey.survey", survey)
    return says


@pytest.fixture
def desk(told: Platform) -> Desk:
    return Desk(told)


@pytest.fixture
def ask(told: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks as at the command line: `await ask("redrive", "--reason", "bug")`; nobody waits for what may be on its way."""
    monkeypatch.setattr("timetracking.commands._MOMENT_S", 0.0)
    step(tmp_path / "clock", told.now)
    environment = settings(told).model_copy(update={"clock": f"file:{tmp_path / 'clock'}", "kafka": "127.0.0.1:9"})

    async def asked(name: str, *given: str) -> str:
        command = next(each for each in COMMANDS if each.name == name)
        assert isinstance(command, Errand)
        parser = argparse.ArgumentParser()
        parser.set_defaults(command=name)
        command.add(parser)
        said: str = await command.once(environment, parser.parse_args(given))
        return said

    return asked


async def test_what_is_parked_is_listed_with_why_and_without_what_it_says(desk: Desk, ask: Ask) -> None:
    assert await ask("parked") == "nothing is parked"
    (bug,) = await desk.refused(7)
    (line,) = await desk.read(await desk.lot.malformed("0017\tyesterday"))
    first, second, *summed = (await ask("parked")).splitlines()
    assert first.split("  ")[0] == str(line)
    assert first.endswith("kept back")
    assert second.split("  ") == [
        str(bug),
        AT.isoformat(timespec="seconds"),
        "parked",
        "timetracking.passages.v1",
        "bug",
        "gate",
        "timetracking.passages.v1/3/7/0",
        "1×",
        "bug at apply:1",
    ]
    assert summed == ["1 × timetracking.passages.v1 malformed", "1 × timetracking.passages.v1 bug"]
    assert "0017" not in await ask("parked")
    assert len((await ask("parked", "--reason", "bug", "--device", "gate", "--topic", "timetracking.passages.v1")).splitlines()) == 2
    assert await ask("parked", "--since", (AT + timedelta(hours=1)).isoformat()) == "nothing is parked"


async def test_the_parking_lot_is_open_while_nothing_is_known_of_bodies(desk: Desk, ask: Ask) -> None:
    """Then it is needed most."""
    await desk.refused(7)
    await desk.platform.sql("DELETE FROM projection_positions")
    assert len((await ask("parked")).splitlines()) == 2
    assert (await ask("redrive", "--reason", "bug", *BY)).startswith("1 parked records")


async def test_what_is_sent_again_at_the_command_line_is_audited_under_the_users_name(
    desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "aigerim")
    first, _ = await desk.refused(7, 8)
    await desk.read(await desk.lot.malformed("25\tyesterday"))
    topic = ("--topic", "timetracking.passages.v1")
    assert await ask("redrive", *topic, "--dry-run") == "2 parked records would be sent again; 1 that match are kept back"
    assert await ask("redrive", "--id", str(first), *BY) == "1 parked records will be sent again; 0 that match are kept back"
    assert await ask("redrive", *topic, *BY) == "1 parked records will be sent again; 1 that match are kept back"
    assert await ask("redrive", *topic, *BY) == "0 parked records will be sent again; 1 that match are kept back"
    assert len(await desk.going_out()) == 2
    rows = await desk.platform.sql("SELECT DISTINCT subject, client, method FROM audit_records WHERE action = 'parking.redrive'")
    assert [tuple(row) for row in rows] == [("A. Serikova", "command redrive as aigerim", "command:redrive")]


async def test_what_was_sent_again_and_got_lost_is_sent_once_more_when_all_else_has_come(desk: Desk, ask: Ask, kafka: Says) -> None:
    await desk.refused(7)
    await ask("redrive", "--reason", "bug", *BY)
    lost = ("redrive", "--reason", "bug", "--lost")
    with pytest.raises(NothingDone, match="1 of them have not left for Kafka yet"):
        await ask(*lost, *BY)
    await desk.platform.sql("DELETE FROM outbox")
    kafka[PASSAGES] = {(PASSAGES, 2): Extent(8, 9)}
    with pytest.raises(NothingDone, match=f"{PASSAGES}/2 "):
        await ask(*lost, *BY)
    kafka[PASSAGES] = {(PASSAGES, 2): Extent(9, 9)}
    assert (await ask(*lost, "--dry-run")).startswith("1 records")
    with pytest.raises(Malformed):
        await ask(*lost)
    assert await ask(*lost, *BY) == "1 records that were sent again and got lost will be sent once more"
    assert [attempts for _, attempts in (await desk.states()).values()] == [3]
    assert len(await desk.going_out()) == 1
    await desk.platform.sql("DELETE FROM outbox")
    await desk.platform.sql("UPDATE parked_records SET state = 'taken_up'")
    assert (await ask(*lost, *BY)).startswith("0 records")


async def test_what_is_parked_while_a_redrive_goes_on_waits_for_the_next(desk: Desk, ask: Ask) -> None:
    await desk.refused(7, at=desk.platform.now + timedelta(seconds=1))
    assert (await ask("redrive", "--reason", "bug", *BY)).startswith("0 parked records")


@pytest.mark.parametrize("years", [-5, 0, 5])
async def test_now_is_what_the_clock_of_the_platform_says(desk: Desk, ask: Ask, tmp_path: Path, years: int) -> None:
    """A week that was lived under a stepped clock lies before or after the present one; what was parked last has its very instant."""
    at = desk.platform.now.replace(year=desk.platform.now.year + years)
    step(tmp_path / "clock", at)
    await desk.refused(7, at=at)
    assert (await ask("redrive", "--reason", "bug", *BY)).startswith("1 parked records")


@pytest.mark.parametrize("command", ["parked", "redrive", "accounts"])
async def test_a_device_that_nobody_enrolled_is_told_as_such(desk: Desk, ask: Ask, command: str) -> None:
    with pytest.raises(NotFound, match="NOT_FOUND") as refused:
        await ask(command, "--device", "nope")
    assert refused.value.facts == {"resource": "devices/nope"}


async def test_a_redrive_of_everything_is_refused_and_names_what_narrows_it(desk: Desk, ask: Ask) -> None:
    await desk.refused(7)
    with pytest.raises(Malformed) as refused:
        await ask("redrive", *BY)
    assert "--reason" in refused.value.violations["which"]
    assert await desk.going_out() == []


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (("--topic", "nope"), "timetracking.late-passages.v1"),
        (("--reason", "nope"), "impossible-time, "),
        (("--since", "yesterday"), "RFC 3339"),
    ],
)
async def test_a_name_that_nothing_has_is_refused_with_those_that_there_are(
    ask: Ask, capsys: pytest.CaptureFixture[str], given: tuple[str, ...], right: str
) -> None:
    with pytest.raises(SystemExit):
        await ask("parked", *given)
    assert right in capsys.readouterr().err


@pytest.mark.parametrize("reason", ["malformed", "impossible-time", "IMPOSSIBLE_TIME", "bug", "unreadable", "not-in-force"])
async def test_what_may_be_parked_for_may_be_asked_for(desk: Desk, ask: Ask, reason: str) -> None:
    assert await ask("parked", "--reason", reason) == "nothing is parked"


async def test_many_are_sent_again_in_pieces(desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "timetracking.parking.use_cases.RedriveParked.__call__.__kwdefaults__", {"only_say": False, "most": 2}, raising=False
    )
    await desk.refused(*range(7))
    assert (await ask("redrive", "--reason", "bug", *BY)).startswith("7 parked records")


async def test_the_accounts_of_devices_are_shown_and_must_be_level_where_that_is_asked(told: Platform, ask: Ask, desk: Desk) -> None:
    await told.record([*four(TUESDAY), *four(TUESDAY)])
    await desk.read(await desk.lot.malformed("25\tyesterday"))
    await told.sql(
        "INSERT INTO device_receipts VALUES ('gate', '2026-11-24', 11, 0, 3) ON CONFLICT (device, date) DO UPDATE SET received = 12"
    )
    rows = [line.split() for line in (await ask("accounts")).splitlines()]
    assert rows == [
        ["device", "received", "stored", "repeated", "parked", "no_passages", "written_off", "in_flight", "sent_again"],
        ["gate", "12", "4", "4", "1", "0", "0", "3", "0"],
        ["all", "12", "4", "4", "1", "0", "0", "3", "0"],
    ]
    assert [line.split() for line in (await ask("accounts", "--device", "gate")).splitlines()][1:] == rows[1:]
    with pytest.raises(NotAsItMustBe, match="gate"):
        await ask("accounts", "--level")
    await told.sql("UPDATE device_receipts SET received = 9")
    assert await ask("accounts", "--level")


async def test_what_is_lost_is_written_off_on_a_ground_that_the_audit_names(
    told: Platform, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "aigerim")
    await told.sql(
        "INSERT INTO device_receipts VALUES ('gate', '2026-11-23', 5, 0, 3), ('gate', '2026-11-24', 1, 0, 0), ('', '1970-01-01', 4, 0, 0)"
    )
    ground = ("--ground", "Kafka was lost on 2026-11-24")
    with pytest.raises(Malformed, match="MALFORMED"):
        await ask("accounts", *ground, *BY)
    for given in (BY, (*BY, "--ground", " "), (*BY, "--ground", "two\nlines"), ground, ("--by", " ", *ground)):
        with pytest.raises(Malformed):
            await ask("accounts", "--write-off", *given)
    assert (await ask("accounts", "--write-off", "--device", "gate", *ground, *BY)).splitlines() == [
        "written off: stateBodies/KGD/devices/gate (2026-11-23): 2",
        "written off: stateBodies/KGD/devices/gate (2026-11-24): 1",
    ]
    assert await ask("accounts", "--write-off", *ground, *BY) == "written off: devices/- (1970-01-01): 4"
    assert (await ask("accounts", "--write-off", *ground, *BY)).startswith("nothing is in flight")
    assert (await ask("accounts", "--level")).splitlines()[-1].split() == ["all", "10", "0", "0", "0", "3", "7", "0", "0"]
    rows = await told.sql("SELECT subject, client, action, rule, body FROM audit_records WHERE client <> 'portal' ORDER BY id")
    who = ("A. Serikova", "command accounts as aigerim", "account.write-off", "Kafka was lost on 2026-11-24")
    assert [tuple(row) for row in rows] == [(*who, "KGD"), (*who, "KGD"), (*who, None)]


async def test_what_may_be_on_its_way_is_not_written_off(told: Platform, ask: Ask, kafka: Says) -> None:
    await told.sql("INSERT INTO device_receipts VALUES ('gate', '2026-11-23', 5, 0, 3)")
    await told.sql("INSERT INTO read_positions VALUES ('accounts', $1, 3, 8), ('parking', $2, 1, 4)", PASSAGES, parked(PASSAGES))
    for acknowledged, noted, why in ((7, 4, f"{PASSAGES}/3 "), (8, 5, f"{parked(PASSAGES)}/1 ")):
        kafka.update({PASSAGES: {(PASSAGES, 3): Extent(acknowledged, 9)}, parked(PASSAGES): {(parked(PASSAGES), 1): Extent(0, noted)}})
        with pytest.raises(NothingDone, match=re.escape(why)):
            await ask("accounts", "--write-off", "--ground", "lost", *BY)
    assert await told.sql("SELECT FROM audit_records WHERE client <> 'portal'") == []
    kafka[parked(PASSAGES)] = {(parked(PASSAGES), 1): Extent(0, 4)}
    assert (await ask("accounts", "--write-off", "--ground", "lost", *BY)).endswith("(2026-11-23): 2")


async def test_what_comes_to_something_after_all_is_written_off_no_more(told: Platform, ask: Ask) -> None:
    await told.sql("INSERT INTO device_receipts VALUES ('gate', '2026-11-24', 4, 0, 0)")
    assert (await ask("accounts", "--write-off", "--ground", "lost", *BY)).endswith("(2026-11-24): 4")
    await told.record(four(TUESDAY)[:3])
    assert (await ask("accounts", "--level")).splitlines()[-1].split() == ["all", "4", "3", "0", "0", "0", "1", "0", "0"]


async def test_accounts_are_read_page_by_page(told: Platform, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    await told.sql("INSERT INTO device_receipts SELECT 'gate-' || number, '2026-11-24', 2, 1, 1 FROM generate_series(1, 7) AS number")
    whole = await ask("accounts")
    monkeypatch.setattr("timetracking.accounts.commands.PAGE", 3)
    assert await ask("accounts") == whole
    assert len(whole.splitlines()) == 9


@pytest.mark.parametrize("which", [("--all",), ("--sample", "50")])
async def test_where_no_day_was_compared_that_is_said_and_nothing_else(told: Platform, ask: Ask, which: tuple[str, ...]) -> None:
    with pytest.raises(NothingDone, match="there are no computed days since 2026-11-01"):
        await ask("reconcile", *which, "--since", "2026-11-01")
    await told.badge("17", "S1")
    await told.take_plans([month_of("S1")])
    await told.record(four(TUESDAY))
    await told.sql("INSERT INTO due_device_days (device, date) VALUES ('gate', '2026-11-24')")
    with pytest.raises(NothingDone, match="30 have facts that wait to be computed"):
        await ask("reconcile", *which, "--since", "2026-11-01")


async def test_days_are_compared_and_bad_news_is_told_as_such(told: Platform, ask: Ask) -> None:
    await told.badge("17", "S1")
    await told.take_plans([month_of("S1")])
    await told.record(four(TUESDAY))
    while await told.close():
        pass
    since = ("--since", "2026-11-01")
    assert await ask("reconcile", "--all", *since) == "30 days since 2026-11-01 compared: all are as their facts give them"
    assert "compared: all" in await ask("reconcile", "--sample", "500", *since)
    await told.sql("UPDATE workdays SET content = replace(content, '28800', '28000'), edition = edition WHERE date = '2026-11-24'")
    with pytest.raises(NotAsItMustBe) as found:
        await ask("reconcile", "--all", *since)
    assert str(found.value).splitlines() == [
        "2026-11-24  stateBodies/KGD  seconds",
        "30 days since 2026-11-01 compared: 1 are not as their facts give them, and were made due",
    ]
    assert "S1" not in str(found.value)
    assert await told.due_days() == [("S1", TUESDAY)]
