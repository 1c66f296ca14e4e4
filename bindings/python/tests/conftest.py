"""What all tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import saltyrtc  # noqa: E402


@pytest.fixture
def server():
    """A running server."""
    with saltyrtc.Server() as running:
        yield running
