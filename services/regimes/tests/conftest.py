"""Fixtures of the regimes' tests."""

from collections.abc import AsyncIterator

import pytest
from chassis.testing.fixtures import MakeDatabase

from .serving import Regimes, serving


@pytest.fixture
async def regimes(database: MakeDatabase) -> AsyncIterator[Regimes]:
    """Served regimes that know what `Regimes.fill` tells of."""
    async with serving(await database("regimes")) as served:
        await served.fill()
        yield served
