"""What an example keeps between its runs survives whatever ends it; that they do what they say is seen with the demo."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

FOLLOW_DAYS = Path(__file__).parents[1] / "examples" / "follow_days.py"


@pytest.fixture
def follow_days() -> Any:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("follow_days", FOLLOW_DAYS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Change:
    """A change of a day that the example reads."""

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        self.workday = type("Workday", (), {"name": f"day {cursor}", "revision": 1})


class Killed(BaseException):
    """The process ends."""


@pytest.fixture
def asked(follow_days: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From which cursors the example followed; the changes 1 and 2 come, then the process ends."""
    cursors: list[str] = []

    def watch(_: Any, request: Any) -> Any:
        cursors.append(request.cursor)
        yield from (Change("1"), Change("2"))
        raise Killed

    monkeypatch.setattr(follow_days, "watch", watch)
    for name, value in {"TARTIP_TOKEN": "t", "TARTIP_TIMETRACKING": "127.0.0.1:9", "TARTIP_CLEAR": "1"}.items():
        monkeypatch.setenv(name, value)
    return cursors


@pytest.mark.parametrize("left", [None, "", "\n"], ids=["none", "empty", "a line"])
def test_without_a_cursor_nothing_that_is_kept_is_passed_over(follow_days: Any, asked: list[str], tmp_path: Path, left: str | None) -> None:
    file = tmp_path / "cursor.txt"
    if left is not None:
        file.write_text(left)
    for _ in range(2):
        with pytest.raises(Killed):
            follow_days.main("stateBodies/KGD", str(file))
    assert asked == ["start", "2"]
    assert [path.name for path in tmp_path.iterdir()] == ["cursor.txt"]


def test_who_is_killed_while_a_cursor_is_written_goes_on_from_the_one_before(
    follow_days: Any, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cursor.txt"
    file.write_text("7")

    def truncated(self: Path, text: str) -> None:
        self.open("w").close()
        raise Killed

    monkeypatch.setattr(Path, "write_text", truncated)
    for _ in range(2):
        with pytest.raises(Killed):
            follow_days.main("stateBodies/KGD", str(file))
    assert asked == ["7", "7"]
