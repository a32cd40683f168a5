"""Answers leave without the fields that their caller may not read."""

from typing import Any

import pytest
from chassis.access import Caller
from chassis.fields import closed, stripped
from chassis.testing.tokens import caller
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb
from tartip.timetracking.v1 import device_service_pb2 as d_pb

HR, INSPECTOR = caller("hr", ["/state-bodies/KGD/hr-officer"]), caller("i", ["/nation/inspector"])


def people() -> sv.ListServantsResponse:
    return sv.ListServantsResponse(servants=[sv.Servant(name="servants/a", iin="1"), sv.Servant(name="servants/b", iin="2")])


@pytest.mark.parametrize(
    ("who", "kept"),
    [
        (HR, ["1", "2"]),
        (caller("a", servant="a"), ["1", "2"]),
        (INSPECTOR, ["", ""]),
        (caller("x", ["/state-bodies/KGD/integrator", "/regions/75/operator"]), ["", ""]),
        (caller("both", ["/state-bodies/MF/hr-officer", "/nation/inspector"]), ["1", "2"]),
        (Caller("nobody", "portal"), ["", ""]),
    ],
    ids=lambda value: "+".join(grant.path for grant in value.grants) if isinstance(value, Caller) else "",
)
def test_what_identifies_a_person_is_left_to_whom_a_grant_lets_read_it(who: Caller, kept: list[str]) -> None:
    """Of which records is the use case's to decide: a grant of another body leaves the field to it."""
    answer = stripped(people(), who)
    assert [each.iin for each in answer.servants] == kept
    assert [each.name for each in answer.servants] == ["servants/a", "servants/b"]


@pytest.mark.parametrize(
    ("kind", "holds"),
    [(sv.Servant, True), (sv.ListServantsResponse, True), (sv.Position, False), (sb.StateBody, False), (d_pb.ListBadgesResponse, True)],
)
def test_a_type_is_known_by_what_it_holds_at_whatever_depth(kind: Any, holds: bool) -> None:
    assert closed(kind.DESCRIPTOR) is holds


def test_an_answer_without_such_fields_is_the_same_object() -> None:
    body = sb.StateBody(name="stateBodies/KGD")
    assert stripped(body, INSPECTOR) is body
    assert stripped("no message", INSPECTOR) == "no message"
