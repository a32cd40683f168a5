"""A servant's week, and documents folded under the lawbook."""

from collections.abc import Callable
from typing import Any

import pytest
from lawbook import Lawbook, load
from timetracking.workdays.fold import fold_document

from .situations import Situation


@pytest.fixture
def week() -> Situation:
    return Situation()


@pytest.fixture(scope="module")
def law() -> Lawbook:
    return load()


@pytest.fixture
def fold(law: Lawbook) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda given: fold_document(given, law)
