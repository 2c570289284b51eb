"""What tests of all providers have: a clock that they move."""

import pytest

from support.providers import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
