"""MariaDB that lets its account in by TLS only."""

from collections.abc import Iterator

import pytest

from tests.component.catalogue.making import InWords
from tests.integration.secured.authority import Authority
from tests.integration.secured.servers import USER, SecuredMariaDB
from tunekin.catalogue.database import check_schema, migrate, opened, reading
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.errors import DependencyError
from tunekin_native.server import HOST

WRONG = "not-this-one"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SecuredMariaDB]:
    with SecuredMariaDB(tmp_path_factory.mktemp("mariadb"), identity=authority.identity("mariadb")) as server:
        yield server


def ciphers(url: str) -> str:
    """What the connection that a URL describes is encrypted by; nothing where it is not."""
    with opened(url) as engine, reading(engine) as connection:
        (_, cipher) = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'").one()
        return str(cipher)


def test_an_account_with_rights_to_its_database_can_migrate_write_and_read(server, authority):
    with opened(f"{server.url}?ssl_ca={authority.ca_file}") as engine:
        migrate(engine)
        check_schema(engine)
        CatalogueWriter(engine, clock=lambda: 0.0).put_moods("m1", [InWords(1, "기쁨", "glad")])
        assert CatalogueReader(engine).model_versions() == {"m1": 0}


def test_with_an_authority_the_connection_is_encrypted_and_checked(server, authority):
    assert ciphers(f"{server.url}?ssl_ca={authority.ca_file}")


def test_without_an_authority_the_connection_is_encrypted_and_whoever_answers_believed(server):
    assert ciphers(server.url)


def test_a_server_may_be_reached_by_another_name_than_its_certificates_where_that_is_wanted(server, authority):
    url = f"{server.url.replace(HOST, 'localhost')}?ssl_ca={authority.ca_file}&ssl_check_hostname=false"
    assert ciphers(url)


@pytest.mark.parametrize("checks", ["true", "false"])
def test_a_certificate_of_an_unknown_authority_is_an_error_that_says_what_to_set(server, stranger, checks):
    with pytest.raises(DependencyError, match="certificate verify failed") as caught:
        ciphers(f"{server.url}?ssl_ca={stranger.ca_file}&ssl_check_hostname={checks}")
    assert "ssl_ca" in caught.value.hint
    assert server.password() not in f"{caught.value.message} {caught.value.__cause__!r}"


def test_a_certificate_for_another_name_is_an_error_that_says_what_to_set(server, authority):
    with pytest.raises(DependencyError, match="not valid for 'localhost'") as caught:
        ciphers(f"{server.url.replace(HOST, 'localhost')}?ssl_ca={authority.ca_file}")
    assert "as its certificate does" in caught.value.hint


def test_a_wrong_password_is_an_error_without_it(server, authority):
    url = f"mysql://{USER}:{WRONG}@{server.address}/tunekin"
    with pytest.raises(DependencyError, match="Access denied") as caught:
        ciphers(f"{url}?ssl_ca={authority.ca_file}")
    assert WRONG not in f"{caught.value.message} {caught.value.hint} {caught.value.__cause__!r}"
