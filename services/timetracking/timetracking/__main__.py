"""Commands of timetracking."""

import argparse
import sys
from pathlib import Path


def fold(arguments: argparse.Namespace) -> int:
    """Computes the days of a file; exit code 2 and no file where the document is refused."""
    from lawbook import load

    from timetracking.workdays.fold import Refused, fold_file

    try:
        fold_file(arguments.source, arguments.target, load())
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    """Reads the command line; each command names what it needs."""
    parser = argparse.ArgumentParser(prog="python -m timetracking", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("fold", help="check days without the platform: IN.json to OUT.json (docs/fold.md)")
    command.add_argument("source", type=Path, metavar="IN.json")
    command.add_argument("target", type=Path, metavar="OUT.json")
    command.set_defaults(run=fold)
    arguments = parser.parse_args()
    return int(arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
