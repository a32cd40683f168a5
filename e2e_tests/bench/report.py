"""`docs/benchmarks.md`: the command, the machine, every figure with its target, and for each miss what stands in the way."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from chassis.testing.artifacts import ROOT
from ruamel.yaml import YAML

from .catalogue import Bench
from .figures import Figure, number

DOCUMENT = ROOT / "docs" / "benchmarks.md"
OBSTACLES = Path(__file__).with_name("obstacles.yaml")
COMMAND = "make bench"
HEAD = "| figure | value | spread | target | reached |"
RULE = "| --- | --- | --- | --- | --- |"
UNEXPLAINED = "not yet looked into"
NOT_MEASURED = "It has no figures: it failed in this run, or the run was ended before."

Measured = Sequence[tuple[Bench, Sequence[Figure]]]


def obstacles() -> Mapping[str, Mapping[str, str]]:
    """What stands in the way of the figures that miss their targets, by bench and figure."""
    return YAML(typ="safe").load(OBSTACLES.read_text(encoding="utf-8")) or {}


def row(figure: Figure) -> str:
    """A figure as a row of its table."""
    spread = "" if figure.spread is None else f"{figure.spread:.0%}"
    reached = "" if figure.target is None else "**missed**" if figure.missed else "not decided" if figure.undecided else "yes"
    cells = (figure.name, f"{number(figure.value)} {figure.unit}".strip(), spread, str(figure.target or ""), reached)
    return f"| {' | '.join(cells)} |"


def document(machine: Mapping[str, str], measured: Measured, scale: float, minutes: float) -> str:
    """The whole document; `scale` is the size in parts of the targets', `minutes` how long the run took."""
    known = obstacles()
    size = "at the size of the targets" if scale == 1 else f"at {scale:g} of the size of the targets"
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{COMMAND}`, all in one run of {minutes:.0f} minutes {size}; nobody edits it.",
        "A figure of several rounds is their median, its spread the distance of the extreme rounds in parts of the median; rounds of",
        "what is compared follow each other in turn. Where they lie further apart than the target's tolerance, nothing is decided.",
        "",
        "| the machine | |",
        "| --- | --- |",
        *(f"| {what} | {which} |" for what, which in machine.items()),
    ]
    for bench, figures in measured:
        table = [HEAD, RULE, *(row(each) for each in figures)] if figures else [NOT_MEASURED]
        lines += ["", f"## {bench.name}", "", bench.shows, "", *table]
        missed = [each.name for each in figures if each.missed]
        if missed:
            lines += ["", "What stands in the way:", ""]
            lines += [f"- *{name}*: {known.get(bench.name, {}).get(name, UNEXPLAINED)}" for name in missed]
    return "\n".join(lines) + "\n"
