"""What the servers that are reached by TLS show, and whom their clients believe."""

import pytest

from tests.integration.secured.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whoever signed what the servers show."""
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One that signed nothing of the servers'."""
    return Authority(tmp_path_factory.mktemp("tls") / "stranger")
