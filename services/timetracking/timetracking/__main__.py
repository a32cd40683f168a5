"""Commands of timetracking; beside them `fold IN.json OUT.json` checks days without the platform (docs/fold.md)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def fold(given: Sequence[str]) -> int:
    """Computes the days of a file; exit code 2 and no file where the document is refused."""
    from lawbook import load

    from timetracking.workdays.fold import Refused, fold_file

    parser = argparse.ArgumentParser(prog="python -m timetracking fold", description=fold.__doc__)
    parser.add_argument("source", type=Path, metavar="IN.json")
    parser.add_argument("target", type=Path, metavar="OUT.json")
    arguments = parser.parse_args(given)
    try:
        fold_file(arguments.source, arguments.target, load())
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 2
    return 0


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says; `fold` loads nothing that the platform alone needs."""
    arguments = sys.argv[1:] if given is None else given
    if arguments[:1] == ["fold"]:
        return fold(arguments[1:])
    from chassis import commands

    from timetracking.commands import COMMANDS

    return commands.main("timetracking", __doc__, COMMANDS, arguments, elsewhere={"fold": "check days without the platform"})


if __name__ == "__main__":
    sys.exit(main())
