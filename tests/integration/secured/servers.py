"""The native servers as a careful operator runs them: by TLS only, with accounts that may do what they need."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL

from tests.integration.secured.authority import Identity
from tunekin_native.kafka import Kafka
from tunekin_native.mariadb import MariaDB
from tunekin_native.redis import Redis
from tunekin_native.server import HOST, free_port

USER = "tunekin"
# How long the broker lets those in who log in by SCRAM-SHA-256, until they have to do so again.
SESSION_MS = 2_000

# The broker's own listener and the one without passwords are the administrator's here.
_KAFKA = """
listeners=CLIENTS://{host}:{port},MOVED://{host}:{moved},ADMIN://{host}:{admin},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENTS://{host}:{port},MOVED://localhost:{moved},ADMIN://{host}:{admin}
listener.security.protocol.map=CLIENTS:SASL_SSL,MOVED:SASL_SSL,ADMIN:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=ADMIN
ssl.keystore.type=PEM
ssl.keystore.location={both}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
{logins}
listener.name.clients.scram-sha-256.connections.max.reauth.ms={session_ms}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
_LOGINS = """\
listener.name.{name}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{name}.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{name}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_{user}="{password}";
"""


class SecuredKafka(Kafka):
    """A broker that lets clients in by TLS and password.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    identity : Identity
        What it shows.
    ca_file : Path
        Who signed that, so that the broker believes itself.

    Attributes
    ----------
    moved : str
        Where it listens, and tells clients to go on at a name that its certificate does not have.
    admin : str
        Where it listens, by TLS without a password, and lets do everything.
    """

    def __init__(self, folder: Path, *, identity: Identity, ca_file: Path) -> None:
        super().__init__(folder)
        self._identity = identity
        self._ca_file = ca_file
        self._moved, self._admin = free_port(), free_port()
        self.moved, self.admin = f"{HOST}:{self._moved}", f"{HOST}:{self._admin}"

    def settings(self) -> str:
        logins = "".join(
            _LOGINS.format(name=name, user=USER, password=self.password()) for name in ("clients", "moved")
        )
        return super().settings() + _KAFKA.format(
            host=HOST,
            port=self.port,
            moved=self._moved,
            admin=self._admin,
            controller=self._controller_port,
            both=self._identity.both,
            ca=self._ca_file,
            logins=logins,
            session_ms=SESSION_MS,
        )

    def accounts(self) -> Sequence[str]:
        return [
            f"{mechanism}=[name={USER},password={self.password()}]" for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256")
        ]


class SecuredMariaDB(MariaDB):
    """A server whose account has to come by TLS, has a password of many characters, and may use its database only.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    identity : Identity
        What it shows.
    """

    def __init__(self, folder: Path, *, identity: Identity) -> None:
        super().__init__(folder)
        self._identity = identity

    def password(self) -> str:
        return f"{super().password()}@봄날/?"

    def url_of(self, database: str) -> str:
        made = URL.create(
            "mysql", username=USER, password=self.password(), host=HOST, port=self.port, database=database
        )
        return made.render_as_string(hide_password=False)

    def first_statements(self) -> str:
        account = f"'{USER}'@'{HOST}'"
        return (
            "SET NAMES utf8mb4;\n"
            + super().first_statements()
            + (
                f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account};\n"
                f"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES "
                f"ON tunekin.* TO {account};\n"
                f"ALTER USER {account} REQUIRE SSL;\n"
            )
        )

    def command(self) -> Sequence[str]:
        return [
            *super().command(),
            f"--ssl-cert={self._identity.certificate}",
            f"--ssl-key={self._identity.key}",
        ]


class SecuredRedis(Redis):
    """A server that speaks TLS only, whose account may use the keys of answers only.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    identity : Identity
        What it shows.
    ca_file : Path
        Redis wants to know it, though clients show no certificate.
    """

    def __init__(self, folder: Path, *, identity: Identity, ca_file: Path) -> None:
        super().__init__(folder)
        self._identity = identity
        self._ca_file = ca_file

    @property
    def url(self) -> str:
        return f"rediss://{USER}:{self.password()}@{self.address}/0"

    def settings(self) -> str:
        return super().settings() + (
            f"port 0\n"
            f"tls-port {self.port}\n"
            f"tls-cert-file {self._identity.certificate}\n"
            f"tls-key-file {self._identity.key}\n"
            f"tls-ca-cert-file {self._ca_file}\n"
            f"tls-auth-clients no\n"
            f"user default off\n"
            f"user {USER} on >{self.password()} ~tunekin:answer:* resetchannels -@all +get +set +del +multi +exec\n"
        )
