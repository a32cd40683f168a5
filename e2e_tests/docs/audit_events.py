"""`make docs`: docs/audit-events.md, from every place in the code that writes into the audit."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel.text import LANGUAGES
from lawbook import Lawbook, load

from .error_catalogue import ROOT, SERVICES

PAGE = ROOT / "docs" / "audit-events.md"
# The layer around every RPC: it writes down what is refused, wherever that was decided.
LAYER = "services/shared/chassis/chassis/interceptors/refusals.py:written_down"
# The ground stands in no literal: it comes with the call.
NAMED = "what is named with it: an act, a decision, or a term"
HEAD = f"""# Audit events

Written by `make docs` from the calls of `record` in the code; a test compares this page with what that command would write.
Each event is written in the transaction of the change, or of the reading, that it tells of: who (subject, client and the grants
by which it was done), through which RPC or command, to what resource, on which ground, when, under which request ID, and keyed
digests of the states before and after. Its outcome is `done`. A moment later it is sealed ([ADR 0021](adr/0021-the-audit-is-sealed.md)).

## In every service

| action | what happened | ground | where |
| --- | --- | --- | --- |
| `personal-data.export` | A person was given all that the service keeps of them | the request | `services/shared/chassis/chassis/personal_data/export.py:ExportOwnData` |
| `retention.delete` | The job `retention` deleted rows of a table that were older than their term; the resource says which table, before which date and how many (or which month went whole), and names nobody | the term | `services/shared/chassis/chassis/personal_data/retention.py:Retention` |
| `restoration.begin` | An operator brought the database, restored from a backup, and its topics together again; the resource names the era that began, and how many seals came back | the command | `services/shared/chassis/chassis/restoration/restoring.py:Restoration` |
| `restoration.forget-places` | An operator let all places in topics be forgotten, since the topics were lost | the command | `services/shared/chassis/chassis/restoration/topics_lost.py:forget_places` |
| `call.refuse` | A caller who is known was refused: PERMISSION_DENIED, or NOT_FOUND for what is not there or out of reach; the outcome is the reason | the request | `{LAYER}` |
"""


class NotLiteral(Exception):
    """A call of `record` does not say its action in a literal, so that nobody can list it."""


@dataclass(frozen=True, slots=True)
class Event:
    """A place that writes into the audit: the action, its ground, where it stands and what that place does.

    The ground is a rule of law, NAMED where whoever acts names one, "" for none.
    """

    action: str
    rule: str
    where: str
    says: str


def page() -> str:
    """The whole page."""
    law, sections = load(), [HEAD]
    for service in SERVICES:
        found = sorted(set(events(service)), key=lambda each: (each.action, each.where))
        rows = [f"| `{each.action}` | {each.says} | {_ground(each.rule, law)} | `{each.where}` |" for each in found]
        sections.append(
            "\n".join([f"## {service}", "", "| action | what happened | ground | where |", "| --- | --- | --- | --- |", *rows, ""])
        )
    return "\n".join(sections)


def events(service: str) -> Iterator[Event]:
    """Every event of a service; NotLiteral where one cannot be listed."""
    for path in sorted((ROOT / "services" / service / service).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        yield from _events_in(path, tree, constants)


def _events_in(path: Path, tree: ast.Module, constants: Mapping[str, object]) -> Iterator[Event]:
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for function in (node for node in owner.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)):
            for call in ast.walk(function):
                if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "record"):
                    continue
                if len(call.args) < 2 or _passed_on(function, call):
                    continue
                where = f"{path.relative_to(ROOT).as_posix()}:{owner.name}.{function.name}".removesuffix(".__call__")
                action = _value(call.args[0], constants)
                if not action:
                    raise NotLiteral(where)
                said = ast.get_docstring(owner if function.name == "__call__" else function) or ""
                yield Event(action, _rule(call, constants), where, said.split("\n")[0].rstrip("."))


def _passed_on(function: ast.AsyncFunctionDef | ast.FunctionDef, call: ast.Call) -> bool:
    """A unit of work hands on what it was given; it writes nothing of its own."""
    return function.name == "record" and isinstance(call.args[0], ast.Name) and call.args[0].id in {each.arg for each in function.args.args}


def _rule(call: ast.Call, constants: Mapping[str, object]) -> str:
    given = [*call.args[2:3], *(each.value for each in call.keywords if each.arg == "rule")]
    return _value(given[0], constants) or NAMED if given else ""


def _value(node: ast.expr, constants: Mapping[str, object]) -> str:
    value = constants.get(node.id) if isinstance(node, ast.Name) else node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else ""


def _ground(rule: str, law: Lawbook) -> str:
    if not rule:
        return "what was asked, or told by another service"
    if rule == NAMED:
        return NAMED
    citation = law.wordings(rule)[-1].citation
    return f"`{rule}`: " + " · ".join(citation.get(language) for language in LANGUAGES)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
