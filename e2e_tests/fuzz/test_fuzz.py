"""Every parser reads or refuses what it is given; every module that parses is among them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .__main__ import Broken, hit, main
from .target import Target
from .targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_it_is_given_is_read_or_refused(target: Target) -> None:
    @settings(max_examples=target.most, deadline=None, suppress_health_check=list(HealthCheck))
    @given(target.given)
    def fire(example: object) -> None:
        target.hit(example)

    fire()


def _fails_at(text: str) -> None:
    if "7" in text:
        raise ZeroDivisionError


def test_a_parser_that_breaks_is_told_with_the_smallest_example_and_how_to_see_it_again() -> None:
    planted = Target("planted", "", st.text(alphabet="17", max_size=20), _fails_at)
    with pytest.raises(Broken, match=r"(?s)planted.*ZeroDivisionError.*given '7'.*make fuzz SEED=3 ONLY=planted"):
        hit(planted, 3)


def test_what_is_refused_as_it_is_promised_breaks_nothing() -> None:
    assert hit(Target("planted", "", st.text(alphabet="17", max_size=20), _fails_at, (ZeroDivisionError,)), 3, examples=20) > 0


def test_a_seed_gives_the_same_examples_again_and_another_others() -> None:
    given_: list[list[str]] = [[], [], []]
    for number, examples in zip((5, 5, 6), given_, strict=True):
        hit(Target("planted", "", st.text(), examples.append), number, examples=20)
    assert given_[0] == given_[1] != given_[2]


def test_after_its_time_it_says_how_much_was_fired_and_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "0", "--seed", "5", "--only", "iin"]) == 0
    assert re.fullmatch(r"1 parsers read or refused all of \d{3} examples; SEED=5\n", capsys.readouterr().out)


def test_a_parser_that_is_not_there_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nobody"]) == 2
    assert "multipart" in capsys.readouterr().err


# How a module is known that reads what others wrote: it refuses what is malformed, or calls what reads texts and bytes.
REFUSALS = {"Malformed", "Refused", "Torn", "TokenRefused", "WrongContentType", "WrongTopics", "WrongClock"}
READERS = {
    *(
        "loads",
        "FromString",
        "ParseFromString",
        "ParserCreate",
        "fromisoformat",
        "fromhex",
        "fullmatch",
        "ip_address",
        "ip_network",
        "UUID",
    ),
    *("b64decode", "urlsafe_b64decode", "ZoneInfo", "YAML", "make_url"),
}
# Modules that call these for something else, and for what.
WRITTEN_HERE = "what a table of its own holds"
OF_THE_REPOSITORY = "a file that is delivered with it"
OTHERWISE = {
    "chassis.audit_log.checkpoints": "messages of the service's own topic, which verification compares with what is stored",
    "chassis.audit_log.commands": "the checkpoint of a command line, read by chassis.audit_log.chain",
    "chassis.audit_log.restorations": "resources of the audit's own records; whoever may write those can hide nothing by them",
    "chassis.audit_log.texts": OF_THE_REPOSITORY,
    "chassis.messages": OF_THE_REPOSITORY,
    "chassis.operators": "who gives a command, one line of a command line, read by kernel.text",
    "chassis.relay": WRITTEN_HERE,
    "chassis.restoration.ahead": "messages of the service's own topic, which an operator's command compares with what is stored",
    "chassis.roles": "the URLs of databases, read by chassis.urls",
    "lawbook.calendar_law": OF_THE_REPOSITORY,
    "lawbook.reader": OF_THE_REPOSITORY,
    "regimes.assignments.tables": WRITTEN_HERE,
    "regimes.plans.domain": "zones that were known when their body was told of",
    "regimes.plans.tables": WRITTEN_HERE,
    "regimes.republish": WRITTEN_HERE,
    "timetracking.accounts.commands": "refuses a command line that names no ground",
    "timetracking.device_findings.repository": WRITTEN_HERE,
    "timetracking.devices.repository": WRITTEN_HERE,
    "timetracking.findings.domain": "a namespace of its own",
    "timetracking.findings.texts": OF_THE_REPOSITORY,
    "timetracking.gateway.door": "the zone of the settings, which they check",
    "timetracking.gateway.no_passages": "the zone of the settings, which they check",
    "timetracking.gateway.parking_lot": "a namespace of its own",
    "timetracking.parking.commands": "refuses a command line that names nothing",
    "timetracking.parking.repository": WRITTEN_HERE,
    "timetracking.plans.domain": "zones that were known when their plan was told",
    "timetracking.plans.repository": WRITTEN_HERE,
    "timetracking.reconciliation.commands": "the date of a command line, read by chassis.commands",
    "timetracking.reconciliation.domain": WRITTEN_HERE,
    "timetracking.reconciliation.use_cases": "zones that were known when their body was told of",
    "timetracking.restoration": "keys of the service's own topics, which an operator's command compares with what is stored",
    "timetracking.workdays.domain.kept": WRITTEN_HERE,
    "timetracking.workdays.use_cases": "zones that were known when their body was told of",
    "timetracking.workdays.views": "keys out of page tokens, which chassis.pages has signed",
}


def parsing() -> Iterator[str]:
    """The modules of the services that parse."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if {"tests", "testing", "migrations"} & set(parts):
            continue
        if any(_parses(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
            package = parts[2:] if parts[1] != "shared" else parts[3:]
            yield ".".join(package).removesuffix(".__init__")


def _parses(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return name in REFUSALS | READERS


def test_every_module_that_parses_is_under_fire() -> None:
    under_fire = {module for target in TARGETS for module in target.modules.split()}
    found = set(parsing())
    assert sorted(found - under_fire - OTHERWISE.keys()) == []
    assert sorted(OTHERWISE.keys() - found) == [], "it parses no more"
    assert sorted(OTHERWISE.keys() & under_fire) == [], "it is under fire"
