"""The command line of a service: processes that run until they are told to stop, and errands that are done once."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from kernel.faults import Fault, Malformed

from chassis.process import run
from chassis.settings import Settings, SettingsError, read
from chassis.telemetry import start

# How a command ends: what was looked at is not as it must be; a usage error, of the command line or of the environment; what was
# asked for was refused, or cannot be done now.
NOT_AS_IT_MUST_BE, MISUSED, REFUSED = 1, 2, 3

S = TypeVar("S", bound=Settings)


class NotAsItMustBe(Exception):
    """An errand found something wrong; its text says what, for the one who asked."""


class NothingDone(Exception):
    """What an errand was asked for cannot be done now, so that neither good nor bad can be said; its text says what is missing."""


@dataclass(frozen=True, slots=True)
class Process(Generic[S]):
    """A process: `need` names the settings it cannot do without."""

    name: str
    says: str
    settings: type[S]
    need: Collection[str]
    run: Callable[[S, asyncio.Event], Coroutine[Any, Any, None]]

    def add(self, parser: argparse.ArgumentParser) -> None:
        """A process has no arguments: all it is told stands in its environment."""

    def do(self, service: str, _: argparse.Namespace) -> None:
        """Runs it until SIGTERM or SIGINT."""
        settings = _told(self.settings, self.need)
        start(f"{service} {self.name}", settings)
        run(lambda stop: self.run(settings, stop))


@dataclass(frozen=True, slots=True)
class Errand(Generic[S]):
    """What is done once: `once` returns the sentence that it says at the end, "" for none; NotAsItMustBe where that is bad news.

    NothingDone where it is no news at all.
    """

    name: str
    says: str
    settings: type[S]
    need: Collection[str]
    once: Callable[[S, argparse.Namespace], Coroutine[Any, Any, str]]
    arguments: Callable[[argparse.ArgumentParser], object] = lambda _: None

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Says which arguments it takes."""
        self.arguments(parser)

    def do(self, _: str, arguments: argparse.Namespace) -> None:
        """Does it."""
        settings = _told(self.settings, self.need)
        if sentence := asyncio.run(self.once(settings, arguments)):
            print(sentence)


def _told(settings: type[S], need: Collection[str]) -> S:
    """What the environment says; who needs Kafka, and has a way to it that is no open door, has been let in."""
    told = read(settings, need)
    if "kafka" in need and told.brokers.ca:
        from chassis.publisher import let_in  # librdkafka would cost those a part of a second of their start who need no Kafka

        let_in(told.brokers)
    return told


Command = Process[Any] | Errand[Any]


def main(
    service: str,
    says: str | None,
    commands: Sequence[Command],
    given: Sequence[str] | None = None,
    *,
    elsewhere: Mapping[str, str] | None = None,
) -> int:
    """Reads the command line of `python -m service` and does what it says; the exit code.

    `elsewhere` are commands with what they do that the service reads itself: they are only listed.
    """
    arguments = reader(service, says, commands, elsewhere or {}).parse_args(given)
    command = next(each for each in commands if each.name == arguments.command)
    try:
        command.do(service, arguments)
    except SettingsError as error:
        print(f"{service}: {error}", file=sys.stderr)
        return MISUSED
    except Fault as refused:
        print(f"{service}: {_said(service, refused)}", file=sys.stderr)
        return REFUSED
    except NothingDone as nothing:
        print(f"{service}: {nothing}", file=sys.stderr)
        return REFUSED
    except NotAsItMustBe as found:
        print(found)
        return NOT_AS_IT_MUST_BE
    return 0


def reader(service: str, says: str | None, commands: Sequence[Command], elsewhere: Mapping[str, str]) -> argparse.ArgumentParser:
    """What reads the command line of `python -m service`."""
    parser = argparse.ArgumentParser(prog=f"python -m {service}", description=says)
    named = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands:
        command.add(named.add_parser(command.name, help=command.says))
    for name, does in elsewhere.items():
        named.add_parser(name, help=does)
    return parser


def _said(service: str, refused: Fault) -> str:
    """A refusal in the words in which calls are told of it, its reason, and each of its facts on a line."""
    from chassis.entering import Away  # the driver would cost those a part of a second who only ask for help
    from chassis.messages import Messages, shown

    about = refused.violations if isinstance(refused, Malformed) else {name: shown(value) for name, value in refused.facts.items()}
    where = [refused.where] if isinstance(refused, Away) else []
    text = Messages.load(service).render(refused.reason, refused.facts, "en")
    return "\n  ".join([f"{refused}: {text}" if text else str(refused), *where, *(f"{name}: {value}" for name, value in about.items())])


def migration(service: str, settings: type[S]) -> Errand[S]:
    """The command that brings the database's schema to the newest version."""

    async def bring(told: S, _: argparse.Namespace) -> str:
        from chassis.migrations import migrate  # Alembic would cost every process a quarter of a second of its start

        await migrate(told.migrator_database_url, f"{service}.migrations")
        return ""

    says = "bring the database's schema to the newest version"
    return Errand("migrate", says, settings, ("migrator_database_url",), bring)


def republication(
    settings: type[S], topics: Collection[str], republish: Callable[[S, str, datetime | None], Coroutine[Any, Any, int]]
) -> Errand[S]:
    """The command that publishes the newest states of a topic again; `republish` returns how many they are."""

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--topic", choices=sorted(topics), required=True)
        parser.add_argument("--since", type=instant, help="only states from this instant on (RFC 3339, with an offset)")

    async def again(told: S, given: argparse.Namespace) -> str:
        published = await republish(told, given.topic, given.since)
        return f"{published} states of {given.topic} will be published again"

    says = "publish the newest states of a topic again"
    return Errand("republish", says, settings, ("database_url",), again, arguments)


def rebuilding(settings: type[S], projections: Collection[str], rebuild: Callable[[S, str], Coroutine[Any, Any, int]]) -> Errand[S]:
    """The command that builds a projection anew from its topics; `rebuild` returns how many messages it read."""

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("projection", choices=sorted(projections))

    async def anew(told: S, given: argparse.Namespace) -> str:
        read_ = await rebuild(told, given.projection)
        return f"{given.projection}: built anew from {read_} messages"

    says, need = "build a projection anew from its topics", ("database_url", "migrator_database_url", "kafka")
    return Errand("rebuild", says, settings, need, anew, arguments)


def instant(text: str) -> datetime:
    """The instant of a command line's argument."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"an instant is RFC 3339 with an offset, like 2026-11-22T09:00:00+05:00, not {text!r}")
    return found


def day(text: str) -> date:
    """The date of a command line's argument."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a date is YYYY-MM-DD, like 2026-11-22, not {text!r}") from None


def count(text: str) -> int:
    """A number of things, one at least, of a command line's argument."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"a number is 1 or more, not {text!r}")
    return int(text)
