"""How to reach the brokers."""

from typing import Any, Literal

from pydantic import Field, FilePath, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from tunekin.ca_file import check_ca_file
from tunekin.kafka.connections import scram_name, tls_context
from tunekin.settings import Settings

__all__ = ["KafkaSettings"]


class KafkaSettings(Settings):
    """Settings of every Kafka client; variables begin with ``TUNEKIN_KAFKA_``.

    Attributes
    ----------
    bootstrap_servers : str
        Some brokers of the cluster, as ``host:port``, separated by commas.
    prefix : str
        Comes before the name of every topic and group, so that several installations share a cluster.
    client_id : str
        Name of the client in the brokers' logs and quotas.
    security_protocol : {'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'}
        Whether the connection is encrypted, and whether the client says who it is.
    sasl_mechanism : {'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'}
        How it says so.
    user, password : str, SecretStr
        Who it is; needed with SASL.
    ca_file : Path or None
        Certificates in PEM that the brokers' are checked against; unset means the system's.
    compression : {'none', 'lz4', 'zstd'}
        How records are compressed.
    replication_factor : int
        Copies of a topic that is created; -1 is the brokers' default.
    connect_timeout_s : float
        Longest wait for a first broker, in seconds.
    request_timeout_s : float
        Longest wait for one answer, in seconds.
    delivery_timeout_s : float
        Longest time until a record is acknowledged, in seconds; then the worker ends.
    session_timeout_s : float
        How long a worker may be silent until others take its partitions over, in seconds.
    max_pass_s : float
        Longest pass of a worker over its records, in seconds; then others take its partitions over.
    """

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_KAFKA_")

    bootstrap_servers: str = Field(default="127.0.0.1:9092", pattern=r"^[^\s,;]+:\d+(,[^\s,;]+:\d+)*$")
    # Kafka's own rule for names; the table's longest name and a role fit behind it.
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$", max_length=200)
    client_id: str = "tunekin"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    user: str = Field(default="", validate_default=True)
    password: SecretStr = Field(default=SecretStr(""), validate_default=True)
    ca_file: FilePath | None = None
    # A third of PCM at a speed that no stage notices.
    compression: Literal["none", "lz4", "zstd"] = "lz4"
    replication_factor: int = Field(default=-1, ge=-1)
    connect_timeout_s: float = Field(default=10.0, gt=0)
    request_timeout_s: float = Field(default=30.0, gt=1, lt=500)
    delivery_timeout_s: float = Field(default=120.0, gt=0)
    # The brokers allow 6 s to 30 min unless told otherwise; the client's thread beats also while a handler computes.
    session_timeout_s: float = Field(default=10.0, ge=6, le=1800)
    max_pass_s: float = Field(default=300.0, gt=0)

    @field_validator("user", "password")
    @classmethod
    def _says_who_it_is(cls, value: str | SecretStr, info: ValidationInfo) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        protocol = info.data.get("security_protocol", "")
        if protocol.startswith("SASL") and not text:
            raise ValueError(f"needed with TUNEKIN_KAFKA_SECURITY_PROTOCOL={protocol}")
        return value

    @field_validator("delivery_timeout_s")
    @classmethod
    def _leaves_time_for_a_request(cls, value: float, info: ValidationInfo) -> float:
        if value < (request_s := info.data.get("request_timeout_s", 0.0)):
            raise ValueError(f"shorter than TUNEKIN_KAFKA_REQUEST_TIMEOUT_S={request_s:g}")
        return value

    def connection(self) -> dict[str, Any]:
        """Options that kafka-python's producer, consumer and admin client share.

        Returns
        -------
        dict of str to object
            Keyword arguments of its clients.

        Raises
        ------
        SettingsError
            The file of certificates can't be used.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "bootstrap_timeout_ms": round(self.connect_timeout_s * 1000),
            "request_timeout_ms": round(self.request_timeout_s * 1000),
            # After an outage workers should be back within seconds; the client's own default is half a minute.
            "reconnect_backoff_max_ms": 2_000,
        }
        if self.security_protocol.endswith("SSL"):
            if self.ca_file is not None:
                check_ca_file(str(self.ca_file), named="TUNEKIN_KAFKA_CA_FILE")
            options["ssl_context"] = tls_context(self.ca_file, handshake_timeout_s=self.connect_timeout_s)
        if self.security_protocol.startswith("SASL"):
            is_scram = self.sasl_mechanism.startswith("SCRAM")
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = scram_name(self.user) if is_scram else self.user
            options["sasl_plain_password"] = self.password.get_secret_value()
        return options
