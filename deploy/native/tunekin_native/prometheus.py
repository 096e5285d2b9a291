"""Prometheus, which asks workers for their metrics and knows the alerts of ``deploy/prometheus``."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from tunekin_native.server import HOST, Server, cache_folder, program

__all__ = ["ALERTS", "Prometheus", "tool"]

ALERTS = Path(__file__).resolve().parents[2] / "prometheus" / "alerts.yml"

# As deploy/prometheus/prometheus.yml, but for where the workers are.
_SETTINGS = """\
global:
  scrape_interval: {interval_s}s
  evaluation_interval: {interval_s}s
rule_files: ["{alerts}"]
scrape_configs:
  - job_name: tunekin
    file_sd_configs:
      - files: [{targets}]
        refresh_interval: {interval_s}s
"""
_TARGETS = "targets.json"


def tool(name: str) -> str:
    """Find a program of Prometheus.

    Parameters
    ----------
    name : {'prometheus', 'promtool'}
        Which one.

    Returns
    -------
    str
        Where it is: as `deploy/native/install` has unpacked it, else on the search path.

    Raises
    ------
    DependencyError
        It is not installed.
    """
    unpacked = cache_folder() / "prometheus" / name
    return str(unpacked) if os.access(unpacked, os.X_OK) else program(name)


class Prometheus(Server):
    """A Prometheus of workers on this machine.

    Parameters
    ----------
    folder : Path
        Where everything lies; made where it is not there, used again where it is.
    port : int or None
        Port on the loopback interface; any free one unless it is given. It stays the same when the server restarts.
    interval_s : int
        How often the workers are asked.
    """

    name: ClassVar[str] = "prometheus"
    ready_line: ClassVar[bytes] = b"Server is ready to receive web requests"

    def __init__(self, folder: Path, *, port: int | None = None, interval_s: int = 5) -> None:
        super().__init__(folder, port=port)
        self._interval_s = interval_s

    @property
    def url(self) -> str:
        """Where it answers queries."""
        return f"http://{self.address}"

    def ask(self, workers: Mapping[str, str]) -> None:
        """Say whom to ask; also while it runs.

        Parameters
        ----------
        workers : mapping of str to str
            By name the URL of each one's health.
        """
        targets = [{"targets": [urlsplit(url).netloc], "labels": {"worker": name}} for name, url in workers.items()]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = self.write(f".{_TARGETS}", json.dumps(targets))
        unfinished.replace(self.folder / _TARGETS)

    def prepare(self) -> None:
        """Write the settings."""
        self.write("prometheus.yml", _SETTINGS.format(interval_s=self._interval_s, alerts=ALERTS, targets=_TARGETS))
        if not (self.folder / _TARGETS).exists():
            self.ask({})

    def command(self) -> Sequence[str]:
        """Program with its arguments.

        Returns
        -------
        sequence of str
            It keeps what it has asked for 15 days, its own default.
        """
        return [
            tool("prometheus"),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={HOST}:{self.port}",
        ]
