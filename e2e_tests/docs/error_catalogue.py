"""`make docs`: docs/error-catalogue.md, from the reasons in the protos, the faults in the code and the texts in three languages."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chassis.errors import CODES, code_name
from chassis.messages import Messages
from google.rpc import code_pb2
from kernel.text import LANGUAGES, LocalizedText
from lawbook import Lawbook, load

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "error-catalogue.md"
SERVICES = ("registry", "regimes", "timetracking")
SHARED = ("kernel", "lawbook", "chassis")

_REASON = re.compile(r"// (?P<says>[^\n]*?) Metadata: (?P<facts>[a-zA-Z, ]+)[^\n]*\n  ERROR_REASON_(?P<name>[A-Z_]+) = [1-9]")
_REASON_NAME = re.compile(r"[A-Z][A-Z_]{3,}")
HEAD = """# Error catalogue

Written by `make docs` from `protos/tartip/*/v1/error_reason.proto`, the `messages.yaml` of each service and the faults in the
code; a test compares this page with what that command would write. Every refusal of an RPC is a `google.rpc.Status` with

- `ErrorInfo`: the reason below, the domain `<service>.tartip`, and the facts as metadata: every number in a text is a fact;
- `LocalizedMessage`: the text in the caller's language (metadata `accept-language`: kk, ru or en; kk unless asked);
- `LegalBasis`, where a rule of law forbids it: the rule, its citation and title in three languages, since when it is in force,
  and the edition of the lawbook;
- `BadRequest` with the fields for `MALFORMED`, `RetryInfo` for what may be tried again.

In the texts `{name}` is the fact of that name.
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as its service's proto declares it."""

    name: str
    says: str
    facts: str


@dataclass(frozen=True, slots=True)
class Given:
    """A place in the code that gives a reason: with which code of gRPC, and on which rule of law."""

    reason: str
    code: str
    rule: str | None


class NobodyGives(Exception):
    """A reason stands in a proto and no code gives it."""


def catalogue() -> str:
    """The whole page; NobodyGives where a proto promises a reason that the code does not know."""
    law, common = load(), Messages.load("chassis").texts
    declared = {service: reasons(service) for service in SERVICES}
    texts = {service: Messages.load(service).texts for service in SERVICES}
    alike = {
        reason: [service for service in SERVICES if reason in declared[service]]
        for service in SERVICES
        for reason in declared[service]
        if common.get(reason.name) == texts[service][reason.name]
    }
    sections = [HEAD, "## Alike in every service that gives them\n"]
    sections += [
        _entry(reason, common[reason.name], law, services) for reason, services in sorted(alike.items(), key=lambda it: it[0].name)
    ]
    for service in SERVICES:
        sections.append(f"## {service}\n")
        sections += [_entry(reason, texts[service][reason.name], law, [service]) for reason in declared[service] if reason not in alike]
    return "\n".join(sections)


def reasons(service: str) -> list[Reason]:
    """The reasons of a service, in the order of its proto."""
    proto = (ROOT / "protos" / "tartip" / service / "v1" / "error_reason.proto").read_text(encoding="utf-8")
    return [Reason(found["name"], found["says"], found["facts"].strip(" .")) for found in _REASON.finditer(proto)]


def _entry(reason: Reason, text: LocalizedText, law: Lawbook, services: Iterable[str]) -> str:
    places = [each for service in services for each in given(service) if each.reason == reason.name]
    if not places:
        raise NobodyGives(f"{reason.name} of {', '.join(services)}")
    codes = " or ".join(f"`{code}`" for code in sorted({each.code for each in places}))
    facts = (
        "no facts" if reason.facts.startswith("none") else "facts: " + ", ".join(f"`{fact.strip()}`" for fact in reason.facts.split(","))
    )
    lines = [f"### {reason.name}\n", f"{codes} · {', '.join(services)} · {facts}. {reason.says}\n"]
    lines += [f"- {language}: {text.get(language)}" for language in LANGUAGES]
    for rule in sorted({each.rule for each in places if each.rule}):
        wording = law.wordings(rule)[-1]
        lines += [f"- law: `{rule}`: " + " · ".join(wording.citation.get(language) for language in LANGUAGES)]
    return "\n".join(lines) + "\n"


@cache
def given(service: str) -> tuple[Given, ...]:
    """Every place in the service, and in what it shares with the others, that gives a reason."""
    packages = [*(ROOT / "services" / "shared" / name / name for name in SHARED), ROOT / "services" / service / service]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for package in packages for path in sorted(package.rglob("*.py"))]
    classes = {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    kinds = {name: node for name, node in classes.items() if "Fault" in _line(name, classes)}
    return tuple(each for tree in trees for each in _given_in(tree, kinds))


def _given_in(tree: ast.Module, kinds: Mapping[str, ast.ClassDef]) -> Iterator[Given]:
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in kinds and (own := _named(ast.walk(node), constants)):
            yield Given(own, _code(node.name, kinds), None)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "reason")]
            reason = _named(arguments, constants) or _named(ast.walk(kinds[node.func.id]), {})
            if reason:
                yield Given(reason, _code(node.func.id, kinds), _rule(node) if node.func.id == "RuleBroken" else None)


def _named(nodes: Iterable[ast.AST], constants: Mapping[str, str]) -> str:
    """The first text among the nodes that is a reason's name."""
    for node in nodes:
        text = constants.get(node.id) if isinstance(node, ast.Name) else node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and _REASON_NAME.fullmatch(text):
            return text
    return ""


def _rule(call: ast.Call) -> str | None:
    second = call.args[1]
    return str(second.value) if isinstance(second, ast.Constant) else None


def _code(kind: str, kinds: Mapping[str, ast.ClassDef]) -> str:
    codes = {each.__name__: code for each, code in CODES} | {"Internal": code_pb2.INTERNAL}
    line = _line(kind, kinds)
    return code_name(next((codes[name] for name in line if name in codes), code_pb2.FAILED_PRECONDITION))


def _line(name: str, classes: Mapping[str, ast.ClassDef]) -> list[str]:
    """The class and those it is derived from, nearest first."""
    bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)] if name in classes else []
    return [name, *(above for base in bases for above in _line(base, classes))]


if __name__ == "__main__":
    PAGE.write_text(catalogue(), encoding="utf-8")
