"""Prometheus's settings and alerts, as Prometheus's own tool sees them."""

import subprocess

import pytest
import yaml

from tests.architecture.repository import ROOT
from tunekin_native.prometheus import tool

FOLDER = ROOT / "deploy" / "prometheus"
ALERTS = [
    rule["alert"]
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
CASES = [
    case
    for test in yaml.safe_load((FOLDER / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
    for case in test["alert_rule_test"]
]


def promtool(*arguments: str) -> None:
    done = subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_settings_for_compose_are_read() -> None:
    promtool("check", "config", str(FOLDER / "prometheus.yml"))


def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", str(FOLDER / "alerts.test.yml"))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    assert {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert} == {True, False}


def test_an_operator_is_told_what_to_do_about_each_alert() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [alert for alert in ALERTS if f"| `{alert}` |" not in page] == []
