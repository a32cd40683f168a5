"""What the platform's processes say: a file each, and one readable log of all.

A process writes lines of JSON or of plain text. Its file keeps them as they are; people see the hour, the process, the
message and its facts. A stack stays in the file: people see its last line.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_yellow", "bright_blue")
STYLES = {"warning": "yellow", "error": "bold red", "critical": "bold red"}
# What stands elsewhere in the line, or helps machines only.
UNSHOWN = frozenset({"timestamp", "level", "logger", "service", "message", "exception", "trace_id"})
LONGEST = 400
WIDTH = len("timetracking gateway")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line as people read it: the hour of this machine, how grave it is, and what it says."""

    at: str
    level: str
    text: str


def entry_of(line: str) -> Entry:
    """Reads a line of a process: JSON as the services write it, or plain text."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict) or "message" not in said:
        return Entry(_hour(None), "info", _printable(line[:LONGEST]))
    facts = [f"{name}={_fact(value)}" for name, value in said.items() if name not in UNSHOWN]
    stack = str(said.get("exception") or "").strip().splitlines()
    text = "  ".join([*str(said["message"]).splitlines()[:1], *facts, *stack[-1:]])
    return Entry(_hour(said.get("timestamp")), str(said.get("level", "info")), _printable(text[:LONGEST]))


def _printable(text: str) -> str:
    """Returns a text as a terminal may show it: what is no letter, half a letter or steers the terminal, is written as its code."""
    return "".join(letter if letter.isprintable() or letter == "\t" else letter.encode("unicode_escape").decode() for letter in text)


def _fact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _hour(timestamp: Any) -> str:
    try:
        at = datetime.fromisoformat(str(timestamp))
    except ValueError:
        at = datetime.now(UTC)
    return at.astimezone().strftime("%H:%M:%S")


@dataclass(slots=True)
class Log:
    """The log of one run: `run/logs/<process>.log`; `show` gets every line too, read for people."""

    folder: Path
    show: Callable[[str, Entry], None] | None = None
    _files: dict[str, TextIO] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """The file of a process: "regimes work" has regimes-work.log."""
        return self.folder / f"{name.replace(' ', '-')}.log"

    def put(self, name: str, line: str) -> None:
        """Keeps a line and shows it."""
        if name not in self._files:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._files[name] = os.fdopen(file, "a", encoding="utf-8", buffering=1)
        self._files[name].write(line + "\n")
        if self.show is not None:
            self.show(name, entry_of(line))

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()


class Screen:
    """The common log on a terminal, or without colours in a file: each line begins with its hour and its process.

    On a terminal a line that is only for information is cut at its edge.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._colours: dict[str, str] = {}

    def __call__(self, name: str, entry: Entry) -> None:
        """Shows a line."""
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        line = Text.assemble((entry.at, "dim"), "  ", (f"{name:<{WIDTH}}", colour), "  ", (entry.text, STYLES.get(entry.level, "")))
        whole = entry.level in STYLES or not self._console.is_terminal
        self._console.print(line, soft_wrap=whole, no_wrap=not whole, overflow=None if whole else "ellipsis")
