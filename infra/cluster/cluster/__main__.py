"""`python -m cluster render`: writes what is generated in charts/ anew. `python -m cluster region VALUES …`: runs a region here."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster.examples import FILES
from cluster.helm import CHARTS, EXAMPLE, HelmFailed


def render() -> int:
    """Writes every generated file."""
    for path, text in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        print(f"charts/{path.relative_to(CHARTS)}")
    return 0


def region(values: Sequence[Path], again: bool) -> int:
    """Runs a region's processes on this machine."""
    from cluster.region import run

    return run(values, until_ready=again)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says; 2 where Helm refuses charts or values, with what it says."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("render", help="write what is generated in charts/ anew")
    here = commands.add_parser("region", help="start the processes that a region's manifests name, on this machine")
    here.add_argument("values", type=Path, nargs="*", default=[EXAMPLE], help="the region's values files")
    here.add_argument("--until-ready", action="store_true", help="end when all are ready")
    told = parser.parse_args(given)
    try:
        return render() if told.command == "render" else region(told.values, told.until_ready)
    except HelmFailed as refused:
        print(refused, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
