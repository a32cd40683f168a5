"""Whose day it is where several appointments are held."""

from datetime import date

from timetracking.people.domain import Servant

from ..samples import TUESDAY, appointment


def test_a_secondment_goes_before_the_main_appointment_and_that_before_a_temporary_one() -> None:
    held = {kind: appointment(kind=kind, body=kind) for kind in ("temporary", "main", "secondment")}
    for kinds, expected in (
        (("temporary", "main", "secondment"), "secondment"),
        (("temporary", "main"), "main"),
        (("temporary",), "temporary"),
    ):
        assert Servant("S1", tuple(held[kind] for kind in kinds), 1).keeping_time(TUESDAY) == held[expected]


def test_of_two_appointments_of_a_kind_the_older_keeps_time() -> None:
    older, newer = appointment(date(2024, 1, 1), body="MF"), appointment(date(2025, 1, 1))
    assert Servant("S1", (newer, older), 1).keeping_time(TUESDAY) == older


def test_acting_concurrent_and_ended_appointments_and_those_without_time_keep_none() -> None:
    held = (
        appointment(kind="acting"),
        appointment(kind="concurrent"),
        appointment(until=date(2026, 11, 23)),
        appointment(date(2026, 11, 25), body="MF"),
        appointment(body="X", keeps_time=False),
    )
    assert Servant("S1", held, 1).keeping_time(TUESDAY) is None
