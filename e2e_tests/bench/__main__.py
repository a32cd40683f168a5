"""How fast the platform is, with its limits: `make bench`."""

import argparse
import os
import sys
import time
from traceback import format_exception

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

from chassis.testing.artifacts import NotToBeHad
from localstack.platform import interruptible
from localstack.processes import Died
from localstack.run import said

from . import report
from .catalogue import BENCHES, Bench, chosen
from .figures import Figure, number
from .machine import described
from .stand import stand

FAILED = 2


async def run(benches: list[Bench], scale: float, write: bool) -> int:
    """Runs the benches one after the other; with `write` the document is written after each, where all of them are to run."""
    began, measured = time.monotonic(), list[tuple[Bench, list[Figure]]]()

    def say(line: str) -> None:
        print(f"  {time.monotonic() - began:5.0f} s  {line}", flush=True)

    async with stand(scale, say) as on:
        machine = await described(on)
        for what, which in machine.items():
            print(f"{what}: {which}", flush=True)
        for bench in benches:
            print(f"\n{bench.name}: {bench.shows.splitlines()[0]}", flush=True)
            try:
                figures = list(await bench.measure(on))
            except NotToBeHad:
                raise
            except Exception as problem:  # the others are measured all the same
                figures = []
                print(said(problem) if isinstance(problem, Died) else "".join(format_exception(problem)), flush=True)
            measured.append((bench, figures))
            for each in figures:
                say(_said(each))
            minutes = (time.monotonic() - began) / 60
            if write and len(benches) == len(BENCHES):
                every = [*measured, *((each, ()) for each in benches[len(measured) :])]
                report.DOCUMENT.write_text(report.document(machine, every, scale, minutes), encoding="utf-8")
    failed = [bench.name for bench, figures in measured if not figures]
    if failed:
        print(f"\nnot measured: {', '.join(failed)}", file=sys.stderr)
    if write and len(measured) == len(BENCHES):
        print(f"\n{minutes:.0f} minutes; written to docs/{report.DOCUMENT.name}")
    else:
        print(f"\n{minutes:.1f} minutes; docs/{report.DOCUMENT.name} is written when all run")
    return FAILED if failed else 0


def _said(figure: Figure) -> str:
    spread = "" if figure.spread is None else f" ± {figure.spread / 2:.0%}"
    reached = "MISSED" if figure.missed else "not decided" if figure.undecided else "reached"
    target = "" if figure.target is None else f"   {reached} ({figure.target})"
    return f"{figure.name}: {number(figure.value)} {figure.unit}{spread}{target}"


def main() -> int:
    """Reads the command line and runs what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m e2e_tests.bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(each.name for each in BENCHES)}, parted by commas")
    parser.add_argument("--scale", type=float, default=1.0, help="the size of everything, in parts of the targets' (default: 1)")
    parser.add_argument("--write", action="store_true", help=f"write docs/{report.DOCUMENT.name}, where all of them ran")
    arguments = parser.parse_args()
    try:
        benches = list(chosen(arguments.only))
    except ValueError as error:
        parser.error(str(error))
    try:
        return interruptible(run(benches, arguments.scale, arguments.write))
    except NotToBeHad as problem:
        print(problem, file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
