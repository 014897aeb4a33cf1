from collections.abc import Sequence

import pytest
from hypothesis import settings

from followup_database import Owner
from followup_embedded.owners import OWNERS

# How long an example takes is the machine's business, not the property's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = ["followup_testkit.fixtures"]


@pytest.fixture(scope="session")
def owners() -> Sequence[Owner]:
    return OWNERS
