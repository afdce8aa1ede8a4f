"""Each test has a world of its own."""

import pytest

from tests.unit.front_door.world import World


@pytest.fixture
def world() -> World:
    return World()
