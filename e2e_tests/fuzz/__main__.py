"""`make fuzz`: every parser in turn, round after round, until the time is over or one of them breaks.

The same SEED gives the same examples; what broke a parser is said with the seed of its round, which finds it again at once.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Iterator, Sequence

import structlog
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .target import Target
from .targets import TARGETS

ROUND = 200
"""Examples that a parser is given before it is the next one's turn."""


class Broken(Exception):
    """A parser neither read nor refused what it was given."""


def main(given_: Sequence[str] | None = None) -> int:
    """Fires; the exit code is 1 where a parser broke."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="parts of names of parsers, parted by commas")
    asked = parser.parse_args(given_)
    parts = asked.only.split(",")
    chosen = [each for each in TARGETS if any(part in each.name for part in parts)]
    if not chosen:
        print(f"No parser is named {asked.only}; there are:\n  " + "\n  ".join(each.name for each in TARGETS), file=sys.stderr)
        return 2
    first = asked.seed if asked.seed is not None else secrets.randbelow(10**6) * 1000
    structlog.configure(processors=[_silent])
    try:
        fired = _fire(chosen, first, time.monotonic() + asked.minutes * 60)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    print(f"{len(chosen)} parsers read or refused all of {fired:,} examples; SEED={first}")
    return 0


def _fire(chosen: Sequence[Target], first: int, until: float) -> int:
    columns = (
        TextColumn("seed {task.fields[seed]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[parser]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        shown = progress.add_task("", total=len(chosen), seed=first, parser="")
        fired = 0
        for number, target in _rounds(chosen, first):
            if time.monotonic() >= until and number > first:
                return fired
            progress.update(shown, completed=chosen.index(target) + 1, seed=number, parser=target.name)
            fired += hit(target, number)
    return fired


def _rounds(chosen: Sequence[Target], first: int) -> Iterator[tuple[int, Target]]:
    """Each round has a seed of its own, the one after that of the round before."""
    number = first
    while True:
        yield from ((number, target) for target in chosen)
        number += 1


def hit(target: Target, number: int, examples: int = ROUND) -> int:
    """Gives a parser the examples of a seed; how many they were. Raises Broken with the smallest that broke it."""
    fired, last = 0, list[object]()

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(target.given)
    def fire(example: object) -> None:
        nonlocal fired
        fired += 1
        last[:] = [example]
        target.hit(example)

    try:
        fire()
    except Exception as error:
        again = f"make fuzz SEED={number} ONLY={target.name}"
        raise Broken(
            f"{target.name} broke\n  {type(error).__name__}: {str(error)[:500]}\n  given {last[0]!r:.2000}\n  again: {again}"
        ) from error
    return fired


def _silent(*_: object) -> dict[str, object]:
    raise structlog.DropEvent


if __name__ == "__main__":
    sys.exit(main())
