"""One stack for all end-to-end tests that do not need one of their own."""

from collections.abc import Iterator

import pytest

from tests.e2e.running_stack import RunningStack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("stack") / "state") as stack:
        yield stack
