"""Prometheus asks real workers, and every panel and every alert gets data."""

import json
import math
import re
from typing import Any

import httpx2
import pytest
import yaml

from tests.architecture.repository import ROOT
from tests.installation import PATIENCE_S, new_key, noise, wait_for
from tunekin_native.prometheus import ALERTS, Prometheus

DASHBOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")
}
QUERIES = [
    pytest.param(target["expr"], id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
]
RULES = [
    pytest.param(rule["expr"], id=rule["alert"])
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
# What Grafana puts in, and what makes an alert of a figure.
VARIABLES = {"$__rate_interval": "5m", "$__range": "5m"}
LIMIT = re.compile(r"\s(?:==|>|<)\s[0-9.]+")


class Asked:
    """A Prometheus that asks the workers of an installation."""

    def __init__(self, server: Prometheus) -> None:
        self.server = server

    def query(self, expression: str) -> list[dict[str, Any]]:
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        said = httpx2.get(f"{self.server.url}/api/v1/query", params={"query": expression}, timeout=PATIENCE_S).json()
        assert said["status"] == "success", said
        return said["data"]["result"]

    def numbers(self, expression: str) -> list[float]:
        """Values that are numbers: 0 out of 0 is none."""
        values = [float(one["value"][1]) for one in self.query(expression)]
        return [value for value in values if not math.isnan(value)]


@pytest.fixture(scope="module")
def asked(installation, tmp_path_factory):
    """Metrics of an installation at work: clips that are answered, repeated and refused, and a load."""
    with Prometheus(tmp_path_factory.mktemp("prometheus"), interval_s=1) as server:
        one = Asked(server)
        workers = {name: worker.health for name, worker in installation.workers.items() if worker.pid}
        server.ask(workers)
        wait_for(lambda: len(one.query('up{job="tunekin"} == 1')) == len(workers))
        key, clip = new_key(), noise(4_711)
        records: list[tuple[str, bytes, dict[str, str]]] = [
            *((f"{key} {number}", clip, {}) for number in range(3)),
            (f"{key} short", noise(4_712), {"ce_mode": "shortlist"}),
            (f"{key} bad", b"no sound", {}),
        ]
        installation.publish(records)
        installation.outcomes([record[0] for record in records])
        # No song of the test music, which another test may have put there already.
        song = tmp_path_factory.mktemp("music") / "noise.wav"
        song.write_bytes(noise(4_713))
        done = installation.command("catalog", "add", "--kafka", str(song))
        assert done.returncode == 0, done.stdout + done.stderr
        for happened in (
            'tunekin_outcomes_total{lane="tracks"}',
            'tunekin_failures_total{code="audio.unknown_format"}',
            'tunekin_shadow_recall_ratio_count{mode="shortlist"}',
        ):
            wait_for(lambda happened=happened: one.numbers(f"sum(increase({happened}[1m])) > 0"))
        yield one


@pytest.mark.parametrize("expression", QUERIES)
def test_a_panel_shows_data(asked, expression):
    # A worker tells lag and state about once a second, and Prometheus asks as often.
    wait_for(lambda: asked.numbers(expression))


@pytest.mark.parametrize("expression", RULES)
def test_an_alert_watches_something_that_is_there(asked, expression):
    wait_for(lambda: asked.numbers(LIMIT.sub("", expression)))


def test_no_alert_is_evaluated_in_vain(asked):
    rules = httpx2.get(f"{asked.server.url}/api/v1/rules", timeout=PATIENCE_S).json()["data"]["groups"]
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}
    assert {rule["lastError"] for group in rules for rule in group["rules"] if "lastError" in rule} <= {""}


def test_dashboards_are_told_apart_and_ask_the_one_source():
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS) > 0
    provided = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
    )
    (source,) = provided["datasources"]
    for dashboard in DASHBOARDS.values():
        panels = dashboard["panels"]
        assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
        assert len({panel["id"] for panel in panels}) == len(panels)
        for panel in panels:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
