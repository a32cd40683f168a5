"""What an example keeps between its runs survives whatever ends it; that they do what they say is seen with the demo."""

import asyncio
import importlib.util
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from google.type.date_pb2 import Date
from tartip.timetracking.v1.workday_service_pb2 import ListWorkdaysResponse, WatchWorkdaysResponse, Workday
from tartip_client import Precondition, Refusal, RefusedPassage

EXAMPLES = Path(__file__).parents[1] / "examples"
BODY, SINCE = "stateBodies/KGD", "2026-11-01"
EXPIRED = Precondition(Refusal("FAILED_PRECONDITION", "", "CURSOR_EXPIRED"))


def example(name: str) -> Any:
    """An example, as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example is told by its environment; nobody is there."""
    for part in ("TIMETRACKING", "GATEWAY"):
        monkeypatch.setenv(f"TARTIP_{part}", "127.0.0.1:9")
    for name, value in {"TARTIP_TOKEN": "t", "TARTIP_CLEAR": "1"}.items():
        monkeypatch.setenv(name, value)


class Killed(BaseException):
    """The process ends."""


def workday(day: int, revision: int, month: int = 11) -> Workday:
    return Workday(name=f"servants/s/workdays/{month}-{day}", date=Date(year=2026, month=month, day=day), revision=revision)


def change(cursor: str, day: Workday) -> WatchWorkdaysResponse:
    return WatchWorkdaysResponse(cursor=cursor, workday=day)


def left(cursor: str, day: Workday) -> WatchWorkdaysResponse:
    return WatchWorkdaysResponse(cursor=cursor, left=day.name)


class Body:
    """A body's days as the platform knows them, and its changes, by the cursor from which one follows; after these the process ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.days: list[Workday | BaseException] = []
        self.changes: dict[str, list[WatchWorkdaysResponse | BaseException]] = {}
        self.asked: list[str] = []
        self.quiet = False
        self.example = example("follow_days")
        monkeypatch.setattr(self.example, "watch", self.watch)
        monkeypatch.setattr(self.example, "pages", self.pages)

    async def watch(self, _: Any, request: Any) -> AsyncIterator[WatchWorkdaysResponse]:
        """Follows."""
        assert request.tell_left
        self.asked.append(request.cursor)
        for each in given(self.changes.get(request.cursor, [])):
            yield each
        if self.quiet:
            self.quiet = False
            await asyncio.Event().wait()
        raise Killed

    async def pages(self, _: Any, request: Any) -> AsyncIterator[ListWorkdaysResponse]:
        """Lists, a day a page."""
        self.asked.append("list")
        for each in given(self.days):
            if request.since.year <= each.date.year <= request.until.year:
                yield ListWorkdaysResponse(workdays=[each])

    def followed(self, file: Path) -> dict[str, int]:
        """Runs the example until its process ends; the revisions of the days that its copy holds then."""
        with pytest.raises(Killed):
            self.example.main(BODY, SINCE, str(file))
        rows = sqlite3.connect(file).execute("SELECT workday FROM days ORDER BY name").fetchall()
        return {each.name.rpartition("/")[2]: each.revision for each in (Workday.FromString(content) for (content,) in rows)}


def given(rows: Any) -> Iterator[Any]:
    """Each in turn; an exception is raised."""
    for each in rows:
        if isinstance(each, BaseException):
            raise each
        yield each


@pytest.fixture
def body(monkeypatch: pytest.MonkeyPatch) -> Body:
    """A body that is followed."""
    return Body(monkeypatch)


def test_a_copy_begins_with_all_days_and_goes_on_from_the_last_change(body: Body, tmp_path: Path) -> None:
    body.days = [workday(2, 1), workday(3, 1)]
    body.changes = {"start": [change("1", workday(3, 2)), change("2", workday(31, 9, month=10)), change("3", workday(4, 1))]}
    assert body.followed(tmp_path / "days.db") == {"11-2": 1, "11-3": 2, "11-4": 1}, "nothing of before the first date"
    asked = [each for each in body.asked if each != "list"]
    body.changes["3"] = [change("4", workday(2, 5))]
    assert body.followed(tmp_path / "days.db") == {"11-2": 5, "11-3": 2, "11-4": 1}
    assert (asked, body.asked[-1], body.asked[0]) == (["start"], "3", "list")


def test_a_day_that_left_the_body_is_taken_out_of_the_copy(body: Body, tmp_path: Path) -> None:
    body.days = [workday(2, 1), workday(3, 1)]
    body.changes = {"start": [change("1", workday(3, 2)), left("2", workday(3, 0)), left("3", workday(9, 0))]}
    assert body.followed(tmp_path / "days.db") == {"11-2": 1}
    assert (body.followed(tmp_path / "days.db"), body.asked[-1]) == ({"11-2": 1}, "3")


def test_nobody_else_of_the_machine_reads_the_copy(body: Body, tmp_path: Path) -> None:
    (tmp_path / "days.db").touch(0o644)
    body.followed(tmp_path / "days.db")
    assert (tmp_path / "days.db").stat().st_mode & 0o077 == 0


def test_a_copy_that_is_a_day_old_is_taken_anew_though_nothing_changes_and_followed_from_where_it_was(
    body: Body, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whoever was erased nothing is told."""
    body.changes = {"start": [change("1", workday(2, 7)), change("2", workday(3, 4))]}
    body.followed(tmp_path / "days.db")
    body.days, body.changes, body.quiet = [workday(3, 4)], {"2": [change("3", workday(4, 1))]}, True
    monkeypatch.setattr(body.example, "KEPT", timedelta(milliseconds=1))
    assert body.followed(tmp_path / "days.db") == {"11-3": 4}
    assert [each for each, before in pairwise(reversed(body.asked)) if each != before][:3] == ["3", "list", "2"]


def test_a_copy_of_another_body_or_date_is_another_copy(body: Body, tmp_path: Path) -> None:
    body.changes = {"start": [change("1", workday(2, 7))]}
    body.followed(tmp_path / "days.db")
    body.days, body.changes = [workday(30, 1, month=10)], {}
    with pytest.raises(Killed):
        body.example.main(BODY, "2026-10-01", str(tmp_path / "days.db"))
    assert body.asked[-1] == "start"
    rows = sqlite3.connect(tmp_path / "days.db").execute("SELECT name FROM days").fetchall()
    assert rows == [("servants/s/workdays/10-30",)]


def test_who_is_killed_before_the_first_change_takes_the_copy_anew(body: Body, tmp_path: Path) -> None:
    """Nobody knows how long it was away then: what was kept no longer would be missing."""
    body.days = [workday(2, 1)]
    assert body.followed(tmp_path / "days.db") == {"11-2": 1}
    body.days = [workday(3, 1)]
    assert body.followed(tmp_path / "days.db") == {"11-3": 1}
    assert [each for each in body.asked if each != "list"] == ["start", "start"]


def test_after_a_restoration_the_copy_is_what_the_platform_knows_though_its_revisions_went_back(body: Body, tmp_path: Path) -> None:
    body.changes = {"start": [change("1", workday(2, 7)), change("2", workday(3, 4))]}
    assert body.followed(tmp_path / "days.db") == {"11-2": 7, "11-3": 4}
    body.days, body.changes = [workday(2, 5)], {"2": [EXPIRED], "start": [change("9:1", workday(2, 6))]}
    assert body.followed(tmp_path / "days.db") == {"11-2": 6}, "a day that is not there any more is not in the copy either"
    assert body.asked[-1] == "start"
    assert body.followed(tmp_path / "days.db") == {"11-2": 6}
    assert body.asked[-1] == "9:1"


def test_who_is_killed_while_a_copy_is_taken_has_the_one_before(body: Body, tmp_path: Path) -> None:
    body.changes = {"start": [change("1", workday(2, 7))], "1": [EXPIRED]}
    body.followed(tmp_path / "days.db")
    body.days = [workday(2, 5), Killed()]
    assert body.followed(tmp_path / "days.db") == {"11-2": 7}
    body.days = [workday(2, 5)]
    body.changes["start"] = []
    assert body.followed(tmp_path / "days.db") == {"11-2": 5}


async def test_a_list_of_any_length_is_asked_for_within_what_a_list_may_have(body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = []

    async def pages(_: Any, request: Any) -> AsyncIterator[ListWorkdaysResponse]:
        spans.append(tuple(body.example.date(each.year, each.month, each.day) for each in (request.since, request.until)))
        for each in list[ListWorkdaysResponse]():
            yield each

    monkeypatch.setattr(body.example, "pages", pages)
    first = body.example.date(2020, 2, 29)
    workdays = type("Stub", (), {"ListWorkdays": None})
    assert [each async for each in body.example.listed(workdays, BODY, first)] == []
    assert spans[0][0] == first
    assert spans[-1][1] > body.example.date.today()
    assert all(1 <= (until - since).days + 1 <= 400 for since, until in spans)
    assert all((later[0] - sooner[1]).days == 1 for sooner, later in pairwise(spans))


EVENTS = "1,2026-11-24T08:55:00,25,in\n2,2026-11-24T13:00:00,25,out\n3,yesterday,25,in\n4,2026-11-24T14:00:00,25,in\n"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, str | BaseException]]:
    """The example that sends, and what the platform says to a number: a reason, or it ends the process."""
    said: dict[str, str | BaseException] = {}
    module = example("send_passages")

    def send_passages(_: Any, passages: Any) -> list[RefusedPassage]:
        refused = []
        for each in passages:
            answer = said.get(each.event_key)
            if isinstance(answer, BaseException):
                raise answer
            if answer is not None:
                refused.append(RefusedPassage(each, Refusal("FAILED_PRECONDITION", "", answer, "timetracking.tartip")))
        return refused

    monkeypatch.setattr(module, "send_passages", send_passages)
    return module, said


def test_what_is_not_refused_for_good_is_kept_and_sent_again(sent: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module, said = sent
    file = tmp_path / "events.csv"
    file.write_text(EVENTS)
    sending = tmp_path / "events.csv.sending"
    said |= {"2": "DEVICE_NOT_ENROLLED", "3": "MALFORMED", "4": "A_REASON_OF_LATER"}
    assert module.main("gate-7", "hq", str(file)) == 1
    assert sending.read_text().splitlines() == [EVENTS.splitlines()[1], EVENTS.splitlines()[3]]
    assert capsys.readouterr().out.splitlines()[-1] == "1 taken, 3 refused, 2 to be sent again"
    said.clear()
    assert module.main("gate-7", "hq", str(file)) == 0
    assert sending.read_text() == ""
    assert capsys.readouterr().out == "2 taken, 0 refused, 0 to be sent again\n"
    assert {path.name for path in tmp_path.iterdir()} == {"events.csv.lock", "events.csv.sending"}


def test_what_is_written_while_it_sends_is_sent_by_the_next_run(sent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, said = sent
    file, told = tmp_path / "events.csv", module.send_passages
    file.write_text(EVENTS)
    said["2"] = "DEVICE_NOT_ENROLLED"

    def meanwhile(stub: Any, passages: Any) -> list[RefusedPassage]:
        with file.open("a") as lines:
            lines.write("5,2026-11-24T18:30:00,25,out\n")
        refused: list[RefusedPassage] = told(stub, passages)
        return refused

    monkeypatch.setattr(module, "send_passages", meanwhile)
    module.main("gate-7", "hq", str(file))
    monkeypatch.setattr(module, "send_passages", told)
    said["5"] = "DEVICE_NOT_ENROLLED"
    module.main("gate-7", "hq", str(file))
    assert numbers(tmp_path / "events.csv.sending") == ["2", "5"]
    assert not file.exists()


def numbers(file: Path) -> list[str]:
    return [line.partition(",")[0] for line in file.read_text().splitlines()]


def test_what_a_writer_had_begun_when_the_file_was_moved_is_sent_by_the_next_run(
    sent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the file before that goes on in the one that was moved; a line may be half written then."""
    module, said = sent
    file, told = tmp_path / "events.csv", module.send_passages
    file.write_text(f"{EVENTS}5,2026-11-24T18:3")

    with file.open("a") as writer:

        def meanwhile(stub: Any, passages: Any) -> list[RefusedPassage]:
            writer.write("0:00,25,out\n6,2026-11-24T18:31:00,25,in\n")
            writer.flush()
            refused: list[RefusedPassage] = told(stub, passages)
            return refused

        monkeypatch.setattr(module, "send_passages", meanwhile)
        assert module.main("gate-7", "hq", str(file)) == 0
    assert numbers(tmp_path / "events.csv.sending") == ["5", "6"]
    monkeypatch.setattr(module, "send_passages", told)
    said |= {"5": "DEVICE_REVOKED", "6": "DEVICE_REVOKED"}
    assert module.main("gate-7", "hq", str(file)) == 1
    assert (tmp_path / "events.csv.sending").read_text() == "5,2026-11-24T18:30:00,25,out\n6,2026-11-24T18:31:00,25,in\n"


def test_of_two_runs_one_sends(sent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module, _ = sent
    file, told, codes = tmp_path / "events.csv", module.send_passages, list[int]()
    file.write_text(EVENTS)

    def meanwhile(stub: Any, passages: Any) -> list[RefusedPassage]:
        codes.append(module.main("gate-7", "hq", str(file)))
        refused: list[RefusedPassage] = told(stub, passages)
        return refused

    monkeypatch.setattr(module, "send_passages", meanwhile)
    assert (module.main("gate-7", "hq", str(file)), codes) == (0, [3])
    assert "is being sent by another run" in capsys.readouterr().out


def test_a_line_that_is_no_event_is_set_aside_and_stops_nothing(sent: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module, said = sent
    file = tmp_path / "events.csv"
    file.write_text(f"number,time\n{EVENTS}")
    said["2"] = "DEVICE_REVOKED"
    assert module.main("gate-7", "hq", str(file)) == 1
    assert "3 taken, 1 refused, 1 to be sent again\n1 lines are no event" in capsys.readouterr().out
    assert (numbers(tmp_path / "events.csv.sending"), numbers(tmp_path / "events.csv.strange")) == (["2"], ["number"])


def second_time_killed(real: Any) -> Any:
    """What is done once, and the second time ends the process before it."""
    calls = count()

    def done(*given: Any, **how: Any) -> Any:
        if next(calls):
            raise Killed
        return real(*given, **how)

    return done


@pytest.mark.parametrize("at", ["rename", "replace", "unlink", "send"])
def test_who_is_killed_anywhere_has_all_that_was_to_be_sent(sent: Any, tmp_path: Path, at: str) -> None:
    """What was sent may be sent once more; nothing is in none of the files."""
    module, said = sent
    file = tmp_path / "events.csv"
    file.write_text(EVENTS)
    said["2"] = Killed() if at == "send" else "DEVICE_REVOKED"
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patched, suppress(Killed):
            if at != "send":
                patched.setattr(Path, at, second_time_killed(getattr(Path, at)))
            module.main("gate-7", "hq", str(file))
    left = {line.partition(",")[0] for path in tmp_path.iterdir() for line in path.read_text().splitlines()}
    assert left >= ({"1", "2", "3", "4"} if at == "send" else {"2"})
    said["2"] = "DEVICE_REVOKED"
    module.main("gate-7", "hq", str(file))
    assert {line.partition(",")[0] for line in (tmp_path / "events.csv.sending").read_text().splitlines()} == {"2"}
