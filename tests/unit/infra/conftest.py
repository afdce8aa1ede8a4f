"""What the tests of the infrastructure share."""

import pytest

from tests.unit.infra.deployment import Deployment
from tests.unit.infra.scenarios import CHOICES, deployed


@pytest.fixture(params=CHOICES)
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Each deployment in turn."""
    return deployed(request.param)
