"""Who gives a command."""

import argparse

import pytest
from chassis import operators
from chassis.calls import current_call
from kernel.faults import Malformed


def given(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.set_defaults(command="erase")
    operators.arguments(parser)
    return parser.parse_args(words)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "tartip")


def test_who_changes_something_is_named_beside_the_user_of_the_machine() -> None:
    with operators.operating(given("--by", " A. Serikova ")) as caller:
        call = current_call()
        assert call
        assert (call.caller, call.method) == (caller, "command:erase")
    assert (caller.subject, caller.client) == ("A. Serikova", "command erase as tartip")
    assert current_call() is None


@pytest.mark.parametrize("words", [(), ("--by", " "), ("--by", "two\nlines"), ("--by", "x" * 101)])
def test_nobody_changes_anything(words: tuple[str, ...]) -> None:
    with pytest.raises(Malformed) as refused, operators.operating(given(*words)):
        pytest.fail("somebody unknown was let do it")
    assert set(refused.value.violations) == {"--by"}


def test_who_only_looks_need_not_say_who_they_are() -> None:
    with operators.operating(given(), looks=True) as caller:
        assert caller.subject == "tartip"


def test_a_container_knows_its_users_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    monkeypatch.setattr(operators, "getuser", unknown)
    monkeypatch.setattr("os.getuid", lambda: 65532)
    assert operators.machine_user() == "user 65532"
