"""What the containers run is what the native stack runs, with settings that the code reads."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pathspec
import pytest
import yaml

from tests.architecture.repository import ROOT
from tests.architecture.test_reference import ROOTS
from tunekin.settings import names_of
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_native.workers import WORKERS
from tunekin_telegram.settings import TelegramSettings
from tunekin_web.settings import WebSettings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
# Ours, by the image that they are built as.
OURS = [name for name, service in SERVICES.items() if "build" in service]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def settings_of(command: list[str]) -> set[str]:
    """Names of the settings that a worker reads."""
    root = ROOTS[" ".join(command[:2]) if command[1] in {"decode", "write", "rank"} else command[0]]
    return {name for group in root.groups for name in names_of(group)}


def test_compose_runs_every_worker_of_the_native_stack_as_that_does() -> None:
    running = {
        name: (f"tunekin-{service['build']['args']['SERVICE']}", *service["command"])
        for name, service in SERVICES.items()
        if name in OURS and "entrypoint" not in service
    }
    assert running == WORKERS


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_reads_every_setting_that_its_container_has(name: str) -> None:
    given = set(SERVICES[name]["environment"]) | set(re.findall(r"TUNEKIN_[A-Z_]+", DOCKERFILE))
    passed_over = {"TUNEKIN_CACHE_URL", "TUNEKIN_CATALOGUE_URL"}
    assert given - passed_over <= settings_of(list(WORKERS[name]))


def test_the_ranker_and_the_writer_are_told_where_the_catalogue_is() -> None:
    for name in ("rank", "write"):
        assert "TUNEKIN_CATALOGUE_URL" in settings_of(list(WORKERS[name])) & set(SERVICES[name]["environment"])
    assert "TUNEKIN_CACHE_URL" in settings_of(list(WORKERS["rank"])) & set(SERVICES["rank"]["environment"])


def test_topics_and_catalogue_are_set_up_before_any_worker_starts() -> None:
    assert SERVICES["setup"]["entrypoint"] == ["tunekin", "setup"]
    assert {*SERVICES["setup"]["depends_on"]} == {"kafka", "mysql", "redis"}
    given = {name for name in SERVICES["setup"]["environment"] if name != "TUNEKIN_CACHE_URL"}
    assert given <= {name for group in SERVER_GROUPS for name in names_of(group)}
    for name in OURS:
        if name != "setup":
            assert SERVICES[name]["depends_on"]["setup"]["condition"] == "service_completed_successfully"


def test_the_page_is_served_in_front_of_the_workers_with_settings_that_it_reads() -> None:
    web = SERVICES["web"]
    assert web["entrypoint"] == ["tunekin", "serve", "--kafka"]
    known = {*names_of(WebSettings), *(name for group in SERVER_GROUPS for name in names_of(group))}
    assert set(web["environment"]) - {"TUNEKIN_CACHE_URL"} <= known
    port = WebSettings.model_fields["port"].default
    assert web["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/api/v1/status" in web["healthcheck"]["test"][-1]


def test_prometheus_finds_every_worker_of_compose_where_it_tells_its_metrics() -> None:
    settings = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    ((found,),) = [scraped["dns_sd_configs"] for scraped in settings["scrape_configs"]]
    assert set(found["names"]) == set(WORKERS)
    assert f"TUNEKIN_HEALTH_PORT={found['port']}" in DOCKERFILE


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_dashboards_are_seen_on_this_machine_alone_and_have_their_files(name: str) -> None:
    service = SERVICES[name]
    assert service["profiles"] == ["dashboards"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    mounted = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
    assert mounted
    assert all((ROOT / place).is_dir() for place in mounted)


def test_the_bot_answers_in_front_of_the_workers_only_where_it_is_asked_for() -> None:
    bot = SERVICES["telegram"]
    assert bot["entrypoint"] == ["tunekin", "telegram", "--kafka"]
    # Nobody without a token has one that ends again and again.
    assert bot["profiles"] == ["telegram"]
    known = {*names_of(TelegramSettings), *(name for group in SERVER_GROUPS for name in names_of(group))}
    assert set(bot["environment"]) - {"TUNEKIN_CACHE_URL"} <= known


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_has_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "user" not in service
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["tunekin"]


@pytest.mark.parametrize("name", ["kafka", "mysql", "redis"])
def test_a_server_says_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert "HEALTHCHECK" in DOCKERFILE


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    pom = ET.parse(ROOT / "deploy" / "native" / "kafka-server" / "pom.xml")
    versions = [
        dependency.findtext("{*}version")
        for dependency in pom.iter("{http://maven.apache.org/POM/4.0.0}dependency")
        if dependency.findtext("{*}artifactId", "").startswith("kafka_")
    ]
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{versions[0]}"


def test_an_image_is_made_of_all_packages_and_of_nothing_that_git_ignores() -> None:
    ignored = pathspec.PathSpec.from_lines("gitignore", (ROOT / ".dockerignore").read_text().splitlines())
    packages = re.findall(r'^    "([a-z/_]+/tunekin[a-z_]*)",$', PYPROJECT, re.MULTILINE)
    assert len(packages) > 5
    wanted = ["pyproject.toml", "README.md", "LICENSE", "locks/apps.txt", *(f"{one}/__init__.py" for one in packages)]
    assert not [path for path in wanted if ignored.match_file(path)]
    assert [
        path for path in (".git/config", ".venv/x", ".stack/env", "tests/x.py") if not ignored.match_file(path)
    ] == []


def test_traces_are_told_to_a_receiver_only_where_it_is_asked_for() -> None:
    assert SERVICES["jaeger"]["profiles"] == ["tracing"]
    for name in OURS:
        assert SERVICES[name]["environment"]["TUNEKIN_TRACING_ENDPOINT"] == "${TRACING_ENDPOINT:-}"
