"""The access matrix against what the RPCs declare; the services' own tests compare it with what they answer (tests/test_access.py)."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis.access import OWN_ROLE, AccessRule
from chassis.access_rules import access_rules
from chassis.testing.matrix import CALLERS, GRANTS, NOBODY, PLACES, SERVANT, UNIT_HEAD, matrix
from tartip.access.v1 import access_pb2

PROTOS = Path(__file__).parents[2] / "protos" / "tartip"
KINDS = {"body": "state-body", "region": "region", "nation": "nation", "system": "system"}
ANSWERS = {"OK", "NOTHING", "NOT_FOUND", "FORBIDDEN"}


def rules() -> Iterator[AccessRule]:
    """The rule of every RPC of every proto."""
    for path in sorted(PROTOS.rglob("*_service.proto")):
        name = ".".join(("tartip", *path.relative_to(PROTOS).with_suffix("").parts))
        services = importlib.import_module(f"{name}_pb2").DESCRIPTOR.services_by_name.values()
        yield from access_rules(services).values()


RULES = list(rules())


def test_the_matrix_knows_every_rpc_that_exists_and_no_other() -> None:
    assert {method for method, _, _ in matrix()} == {rule.method for rule in RULES}
    assert len(matrix()) == len(RULES) * len(PLACES) * len(CALLERS)


@pytest.mark.parametrize("rule", RULES, ids=[rule.method.removeprefix("/tartip.") for rule in RULES])
def test_who_is_let_in_is_who_is_declared(rule: AccessRule) -> None:
    answers = {(place, kind): matrix()[rule.method, place, kind] for place in PLACES for kind in CALLERS}
    assert set(answers.values()) <= {*ANSWERS, ""}
    let_in = {kind for (_, kind), answer in answers.items() if answer not in ("FORBIDDEN", "")}
    declared = {kind for kind in GRANTS for role, _, width in [kind.partition("@")] if role in rule.roles and KINDS[width] in rule.kinds}
    declared |= {SERVANT, UNIT_HEAD} if OWN_ROLE in rule.roles else set()
    declared |= rule.relationships
    assert let_in == declared
    assert {kind for kind in declared if answers["inside", kind] != "OK"} <= {UNIT_HEAD}, "a head is a servant, with records of their own"
    if UNIT_HEAD in rule.relationships:
        assert answers["inside", UNIT_HEAD] == "OK"


def test_there_is_an_answer_wherever_somebody_stands() -> None:
    empty = {(place, kind) for (_, place, kind), answer in matrix().items() if not answer}
    assert empty == {("inside", NOBODY), *(("outside", kind) for kind, (_, outside) in GRANTS.items() if not outside)}


def test_nothing_of_others_is_shown_outside_of_a_scope() -> None:
    """But for the law, which is the same for everyone, and for whether anybody touched the audit, whose chain is one for a service."""
    shown = {method for (method, place, _), answer in matrix().items() if place == "outside" and answer == "OK"}
    law = {rule.method for rule in RULES if "LawService" in rule.method}
    assert shown == law | {"/tartip.audit.v1.AuditService/VerifyAuditLog"}


# Names under which what identifies a person is asked for and shown.
PERSONAL = {"iin", "badge", "badge_number", "phone", "email", "address", "passport", "account"}
# A device's own record of a passage, which its gateway sends; and the badge's own message.
NOT_SHOWN = {"tartip.timetracking.v1.Passage.badge_number", "tartip.timetracking.v1.AssignBadgeRequest.badge"}


def test_what_identifies_a_person_has_a_class_wherever_it_is_shown() -> None:
    found = set()
    for path in sorted(PROTOS.rglob("*_service.proto")):
        file = importlib.import_module(f"tartip.{'.'.join(path.relative_to(PROTOS).with_suffix('').parts)}_pb2").DESCRIPTOR
        for message in file.message_types_by_name.values():
            named = {field for field in message.fields if field.name in PERSONAL}
            found |= {field.full_name for field in named if not field.GetOptions().Extensions[access_pb2.data_class]}
    assert found == NOT_SHOWN
