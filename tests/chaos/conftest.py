"""One stack for all that is broken on purpose; each test gets it mended."""

from collections.abc import Iterator

import pytest

from tests.chaos.world import World
from tests.e2e.running_stack import running_stack


@pytest.fixture(scope="package")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {
        "REELAY_SWEEP_SCHEDULE": "* * * * * *",
        "REELAY_SWEEP_GRACE_S": "1",
        "REELAY_ALLOW_PRIVATE_ADDRESSES": "true",  # the receivers of webhooks are on this machine
    }
    with running_stack(tmp_path_factory.mktemp("chaos") / "state", **settings) as stack:
        world = World(stack)
        with world.api, world.control:
            yield world


@pytest.fixture
def world(own_world: World) -> Iterator[World]:
    """Mended before each test; and whatever was broken in it, the books are right afterwards."""
    own_world.reset(render_time_s=0.3, content_bytes=None)
    yield own_world
    own_world.assert_books_agree()
