"""What is laid into a build is installed only as it was listed."""

from pathlib import Path

import pytest
from images.install import Wrong, wheels
from images.plan import PYTHON, sums


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    """A folder with two wheels and their list."""
    for name in ("one-1-py3-none-any.whl", "other-2-py3-none-any.whl"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "wheels.txt").write_text(sums([*tmp_path.glob("*.whl")]), encoding="utf-8")
    return tmp_path


def test_wheels_are_taken_as_they_are_listed(laid: Path) -> None:
    assert [each.name for each in wheels(laid)] == ["one-1-py3-none-any.whl", "other-2-py3-none-any.whl"]


def test_a_wheel_that_is_another_is_refused(laid: Path) -> None:
    (laid / "one-1-py3-none-any.whl").write_bytes(b"another")
    with pytest.raises(Wrong, match=r"other wheels than its wheels\.txt names"):
        wheels(laid)


def test_a_wheel_that_is_not_listed_is_refused(laid: Path) -> None:
    (laid / "third-3-py3-none-any.whl").touch()
    with pytest.raises(Wrong, match="other wheels"):
        wheels(laid)


def test_a_base_with_another_python_is_told_which_it_must_have(laid: Path) -> None:
    listed = (laid / "wheels.txt").read_text(encoding="utf-8")
    (laid / "wheels.txt").write_text(listed.replace(f"Python {PYTHON}", "Python 3.99"), encoding="utf-8")
    with pytest.raises(Wrong, match=rf"for Python 3\.99 and the base has Python {PYTHON}: name a BASE with Python 3\.99"):
        wheels(laid)
