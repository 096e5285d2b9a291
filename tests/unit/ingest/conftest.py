"""One decoding process for all tests that need no limits of their own."""

import pytest

from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits


@pytest.fixture(scope="session")
def decoder():
    with SandboxedDecoder(DecodeLimits(max_duration_s=60.0, cpu_s=10, wall_s=60.0)) as running:
        yield running
