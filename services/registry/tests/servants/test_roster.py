"""Taking rows over: who is known decides what a row means, and nobody learns of strangers."""

from datetime import date

import pytest
from kernel.faults import Conflict, Fault, NotFound, WrongState
from registry.servants.domain import NewServant, Servant
from registry.servants.roster import Outcome, Roster

from ..samples import iin, person, position, terms

POSTS = {("KGD", "17"): position("17"), ("KGD", "18"): position("18")}


def roster(*known: NewServant, hidden: tuple[NewServant, ...] = ()) -> Roster:
    people = {new.id: new.appointed([]) for new in (*known, *hidden)}
    people = {id: Servant(id, one.iin, one.display_name) for id, one in people.items()}
    return Roster(POSTS, people, {new.id for new in known})


def refusal(of: Roster, new: NewServant) -> Fault:
    with pytest.raises(Fault) as by_import:
        of.take(new)
    with pytest.raises(Fault) as by_call:
        of.create(new)
    assert (by_import.value.reason, by_import.value.facts) == (by_call.value.reason, by_call.value.facts)
    return by_call.value


def test_a_new_person_is_created_and_the_same_row_again_changes_nothing() -> None:
    people = roster()
    assert people.take(person())[0] is Outcome.CREATED
    assert people.take(person())[0] is Outcome.UNCHANGED
    assert people.take(person("serikova", 0, terms(until=date(2026, 6, 30))))[0] is Outcome.UPDATED


def test_the_number_of_a_stranger_is_a_transfer_case_and_names_nobody() -> None:
    for id in ("serikova", "newcomer"):
        fault = refusal(roster(hidden=(person("serikova", 0),)), person(id, 0))
        assert isinstance(fault, WrongState)
        assert fault.reason == "IIN_KNOWN_ELSEWHERE"
        assert fault.facts == {}


def test_the_number_of_a_colleague_is_a_conflict_that_names_him() -> None:
    fault = refusal(roster(person("serikova", 0)), person("newcomer", 0))
    assert isinstance(fault, Conflict)
    assert fault.resource == "servants/serikova"


@pytest.mark.parametrize("seen", [True, False])
def test_the_id_of_another_person_is_a_conflict(seen: bool) -> None:
    known = person("serikova", 0)
    fault = refusal(roster(known) if seen else roster(hidden=(known,)), person("serikova", 1))
    assert isinstance(fault, Conflict)
    assert fault.resource == "servants/serikova"


def test_a_position_out_of_sight_is_not_found() -> None:
    fault = refusal(roster(), person("serikova", 0, terms(body="MF", position="1")))
    assert isinstance(fault, NotFound)
    assert fault.resource == "stateBodies/MF/positions/1"


def test_two_rows_of_one_batch_with_one_number_are_a_conflict_at_the_second() -> None:
    people = roster()
    people.take(person("first", 0))
    assert isinstance(refusal(people, person("second", 0)), Conflict)


def test_a_refused_row_leaves_nothing_behind() -> None:
    people = roster()
    with pytest.raises(NotFound):
        people.take(person("serikova", 0, terms(position="none")))
    assert people.people == {}
    assert iin() not in people.owners


def test_a_known_person_cannot_be_created_again() -> None:
    people = roster()
    people.create(person())
    with pytest.raises(Conflict):
        people.create(person())
