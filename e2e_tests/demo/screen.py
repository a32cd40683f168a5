"""What people see while the demo runs: each stage with its time, and how far the week is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text


class Stage:
    """A stage at work: it says what it does now, and, where that is known, how far it is."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self.outcome = ""

    def says(self, text: str) -> None:
        """Says what it does now."""
        self._progress.update(self._task, now=text)

    def goes(self, done: int, text: str) -> None:
        """Says how much is done, of the total."""
        self._progress.update(self._task, completed=done, now=text)


class _Bar(ProgressColumn):
    """A bar, where a total is known."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = BarColumn(bar_width=20)

    def render(self, task: Task) -> Text | object:  # type: ignore[override]
        return self._bar.render(task) if task.total else Text("")


class Screen:
    """The terminal; where there is none, a line for each stage that ended."""

    def __init__(self, console: Console, zone: ZoneInfo) -> None:
        self.console, self._zone = console, zone

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """Shows a stage for the length of the block, and in one line what came of it."""
        began = time.monotonic()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), _Bar(), TextColumn("{task.fields[now]}"))
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(f"{name:<22}", total=total, now="")
            shown = Stage(progress, task)
            yield shown
        took = f"{time.monotonic() - began:6.1f} s"
        self.console.print(Text.assemble(("✓ ", "green"), f"{name:<22}{shown.outcome:<58}", (took, "dim")), soft_wrap=True)

    def clock(self, at: datetime) -> str:
        """An instant on the ministry's clock."""
        local = at.astimezone(self._zone)
        return f"{local:%a} {local.day:>2} {local:%b %H:%M}"
