"""Fixtures of the registry's tests."""

from collections.abc import AsyncIterator

import pytest
from chassis.testing.fixtures import MakeDatabase

from .serving import Registry, serving


@pytest.fixture
async def registry(emptied: MakeDatabase) -> AsyncIterator[Registry]:
    """A served registry that holds what `Registry.fill` records."""
    async with serving(await emptied("registry")) as served:
        await served.fill()
        yield served
