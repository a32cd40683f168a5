"""The version before is taken from the history and run as it was, or it is said that it cannot be had."""

import sys
from importlib.metadata import version

import pytest
from chassis.testing.artifacts import NotToBeHad

from e2e_tests.upgrade.__main__ import NOT_TO_BE_HAD, main
from e2e_tests.upgrade.version import THIS, Version, before, lacking

NOWHERE = "0123456789abcdef0123456789abcdef01234567"


def test_the_version_before_runs_its_own_code_and_this_one_its_own(old: Version) -> None:
    assert all(path.is_relative_to(old.folder) for path in old.modules())
    assert not any(path.is_relative_to(old.folder) for path in THIS.modules())


def test_a_history_without_the_version_before_is_named() -> None:
    with pytest.raises(NotToBeHad, match=f"{NOWHERE}.*clone the whole history"):
        before(NOWHERE)


def test_a_story_without_its_version_before_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", NOWHERE]) == NOT_TO_BE_HAD
    assert NOWHERE in capsys.readouterr().err


def test_a_lock_is_held_to_what_is_installed() -> None:
    here, hashes = version("aiohttp"), "    --hash=sha256:00 \\\n"
    assert lacking(f"aiohttp=={here} \\\n{hashes}nobody==1 ; sys_platform == 'nowhere' \\\n{hashes}") == []
    assert lacking(f"aiohttp=={here}.1 \\\n{hashes}") == [f"aiohttp=={here}.1"]
    assert lacking(f"nobody==1 ; sys_platform == '{sys.platform}' \\\n{hashes}") == [f'nobody==1; sys_platform == "{sys.platform}"']
