"""What a query of Prometheus asks for, read from its syntax tree: a name or a label that no process shows gives no error, only silence."""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

import promql_parser
from chassis.metrics import OF_THE_PLACE

# Grafana puts the width of what a screen can show here.
RATE_INTERVAL = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Selected:
    """A series that is asked for, and the labels by which."""

    name: str
    labels: frozenset[str]


class WrongQuery(ValueError):
    """A query asks for what there is not; the text says for what."""


def check(query: str, known: Mapping[str, Set[str]]) -> None:
    """Raises WrongQuery where the query cannot be read, or names a series or label that is not known."""
    try:
        tree = promql_parser.parse(query.replace(RATE_INTERVAL, "5m"))
    except ValueError as error:
        raise WrongQuery(f"{query}: {error}") from None
    selected = list(_selected(tree))
    if not selected:
        raise WrongQuery(f"{query}: asks for nothing")
    for each in selected:
        if each.name not in known:
            raise WrongQuery(f"{query}: no process shows {each.name}")
        if strange := each.labels - known[each.name] - OF_THE_PLACE:
            raise WrongQuery(f"{query}: {each.name} has no label {', '.join(sorted(strange))}")
    there = frozenset().union(*(known[each.name] for each in selected)) | OF_THE_PLACE | _made(query)
    if strange := frozenset(_grouped(query)) - there:
        raise WrongQuery(f"{query}: nothing in it has the label {', '.join(sorted(strange))}")


def _selected(node: object) -> Iterator[Selected]:
    """The series of the tree; its nodes keep what is beneath them in differently named attributes."""
    if isinstance(node, promql_parser.VectorSelector):
        names = {matcher.value for matcher in node.matchers.matchers if matcher.name == "__name__"} | ({node.name} if node.name else set())
        labels = frozenset(matcher.name for matcher in node.matchers.matchers if matcher.name != "__name__")
        yield from (Selected(name, labels) for name in names)
    elif isinstance(node, promql_parser.MatrixSelector):
        yield from _selected(node.vector_selector)
    else:
        for name in ("expr", "lhs", "rhs", "param"):
            yield from _selected(getattr(node, name)) if getattr(node, name, None) is not None else ()
        for each in getattr(node, "args", ()):
            yield from _selected(each)


def _grouped(query: str) -> Iterator[str]:
    """The labels by which is grouped or matched: those between the brackets of by, without, on, ignoring and group_left."""
    for inside in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", query):
        yield from (label.strip() for label in inside.split(",") if label.strip())


def _made(query: str) -> frozenset[str]:
    """The labels that the query itself makes."""
    return frozenset(re.findall(r'label_replace\(.*?,\s*"(\w+)",\s*"[^"]*",\s*"\w+",\s*"[^"]*"\s*\)', query, re.DOTALL))
