"""Fixtures of the regimes' tests."""

from collections.abc import AsyncIterator

import pytest
from chassis.testing.fixtures import MakeDatabase

from .serving import Regimes, serving


@pytest.fixture
async def regimes(emptied: MakeDatabase) -> AsyncIterator[Regimes]:
    """Served regimes that know what `Regimes.fill` tells of."""
    async with serving(await emptied("regimes")) as served:
        await served.fill()
        yield served
