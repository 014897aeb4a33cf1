from collections.abc import Sequence

import pytest

from followup_database import Owner
from followup_embedded.owners import OWNERS

pytest_plugins = ["followup_testkit.fixtures"]


@pytest.fixture(scope="session")
def owners() -> Sequence[Owner]:
    return OWNERS
