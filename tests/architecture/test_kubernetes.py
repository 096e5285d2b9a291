"""The manifests for Kubernetes run what the native stack runs, without rights, and scale by groups that there are."""

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

import tunekin
from tests.architecture.repository import ROOT
from tests.architecture.test_containers import DOCKERFILE, SERVICES, settings_of
from tests.component.roles.test_composition import named, rows
from tunekin.settings import names_of
from tunekin.topics import TOPICS
from tunekin_cli.servers import SERVER_GROUPS
from tunekin_native.workers import WORKERS
from tunekin_ranker.shard import Shard
from tunekin_web.openapi import document
from tunekin_web.settings import WebSettings

FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest that is still in use here and there, and the newest that the schemas know.
VERSIONS = ("1.31", "1.37")
KUSTOMIZATIONS = {path.parent.name: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*/kustomization.yaml")}


def resources(folder: str) -> Iterator[dict[str, Any]]:
    """What a kustomization names, lists taken apart."""
    for name in KUSTOMIZATIONS[folder]["resources"]:
        for one in yaml.safe_load_all((FOLDER / folder / name).read_text(encoding="utf-8")):
            yield from one["items"] if one["kind"] == "List" else [one]


RESOURCES = {folder: list(resources(folder)) for folder in KUSTOMIZATIONS}
EVERYTHING = [(folder, one) for folder, some in RESOURCES.items() for one in some]
CONTROLLERS = [one for _, one in EVERYTHING if one["kind"] in {"Deployment", "StatefulSet", "Job"}]
BASE = {one["metadata"]["name"]: one for one in RESOURCES["base"] if one["kind"] == "Deployment"}
WITHOUT_PORTS = {"Job tunekin-setup", "Deployment telegram"}
SHARDS = [one for one in RESOURCES["shards"] if one["kind"] == "StatefulSet"]
SCALED = [one for _, one in EVERYTHING if one["kind"] == "ScaledObject"]


def called(one: Any) -> str:
    return f"{one['kind']} {one['metadata']['name']}" if isinstance(one, dict) else str(one)


def pod(controller: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = controller["spec"]["template"]["spec"]
    return found


def containers(controller: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod(controller).get("initContainers", []), *pod(controller)["containers"]]


def labels(controller: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = controller["spec"]["template"]["metadata"]["labels"]
    return found


def command_of(controller: dict[str, Any]) -> tuple[str, ...]:
    """Program and arguments, as the entry point of the image has them."""
    (container,) = pod(controller)["containers"]
    return ("tunekin-" + container["image"].removeprefix("tunekin/"), *container["args"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resource", [one for _, one in EVERYTHING if one["kind"] != "ScaledObject"], ids=called)
def test_a_manifest_has_the_form_that_the_cluster_expects_and_no_field_that_it_would_pass_over(resource, version):
    kubernetes_validate.validate(resource, version, strict=True)


def test_every_manifest_is_named_by_a_kustomization():
    files = {path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert files == {FOLDER / folder / name for folder, one in KUSTOMIZATIONS.items() for name in one["resources"]}


def test_the_cluster_runs_every_worker_as_the_native_stack_does():
    running = {name: command_of(one) for name, one in BASE.items() if name != "web"}
    assert running == WORKERS


def test_the_images_are_of_this_version():
    images = KUSTOMIZATIONS["base"]["images"]
    assert {one["newTag"] for one in images} == {tunekin.__version__}
    used = {container["image"] for one in CONTROLLERS for container in containers(one)}
    assert used == {one["name"] for one in images}


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_reads_every_setting_that_it_is_given(name):
    (container,) = pod(BASE[name])["containers"]
    given = {one["name"] for one in container.get("env", ())}
    assert given <= settings_of(list(WORKERS[name]))


def test_the_settings_of_all_are_settings_of_tunekin_and_hold_no_secret():
    (generator,) = KUSTOMIZATIONS["base"]["configMapGenerator"]
    (file,) = generator["envs"]
    lines = (FOLDER / "base" / file).read_text(encoding="utf-8").splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert names <= {name for command in WORKERS.values() for name in settings_of(list(command))}
    assert not [name for name in names if re.search("PASSWORD|TOKEN|_URL|USER", name)]
    for one in CONTROLLERS:
        (container,) = pod(one)["containers"]
        assert container["envFrom"] == [
            {"configMapRef": {"name": generator["name"]}},
            {"secretRef": {"name": "tunekin-secrets"}},
        ]


@pytest.mark.parametrize("controller", CONTROLLERS, ids=called)
def test_a_pod_has_no_rights(controller):
    (user,) = re.findall(r"useradd --uid (\d+)", DOCKERFILE)
    security = pod(controller)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert {security["runAsUser"], security["runAsGroup"], security["fsGroup"]} == {int(user)}
    # Under it the decoder's sandbox can still lock itself up: prctl, seccomp and Landlock are allowed.
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(controller)["automountServiceAccountToken"] is False
    # Variables such as TUNEKIN_WEB_PORT=tcp://…, which the cluster would make up, stop the start.
    assert pod(controller)["enableServiceLinks"] is False
    for container in containers(controller):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("controller", CONTROLLERS, ids=called)
def test_a_container_says_what_it_takes_and_can_write_where_it_has_to(controller):
    volumes = {one["name"] for one in pod(controller)["volumes"]}
    volumes |= {one["metadata"]["name"] for one in controller["spec"].get("volumeClaimTemplates", ())}
    for container in containers(controller):
        assert {*container["resources"]["requests"]} == {"cpu", "memory"}
        # Processor time is shared out by requests; a limit would only leave it idle.
        assert {*container["resources"]["limits"]} == {"memory"}
        assert {one["name"] for one in container["volumeMounts"]} <= volumes
    (container,) = pod(controller)["containers"]
    writable = {one["mountPath"] for one in container["volumeMounts"]}
    (numba,) = re.findall(r"NUMBA_CACHE_DIR=(\S+)", DOCKERFILE)
    (blobs,) = re.findall(r"TUNEKIN_BLOBS_ROOT=file://(\S+)", DOCKERFILE)
    assert {"/tmp", numba} <= writable
    if controller["kind"] != "Job":
        assert blobs in writable
    folders = [one["value"] for one in container.get("env", ()) if one["name"] == "TUNEKIN_RANKER_SNAPSHOT_FOLDER"]
    assert set(folders) <= writable


@pytest.mark.parametrize("controller", [one for one in CONTROLLERS if called(one) not in WITHOUT_PORTS], ids=called)
def test_a_pod_is_asked_for_its_health_where_it_tells_it(controller):
    (container,) = pod(controller)["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    asked = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    paths = {kind: one["path"] for kind, one in asked.items()}
    if controller["metadata"]["name"] == "web":
        assert ports == {"http": WebSettings.model_fields["port"].default}
        assert {path.removeprefix("/api/v1") for path in paths.values()} <= set(document(WebSettings())["paths"])
    else:
        assert ports == {"health": int(re.findall(r"TUNEKIN_HEALTH_PORT=(\d+)", DOCKERFILE)[0])}
        assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    assert {ports[one["port"]] for one in asked.values()} == set(ports.values())


def test_a_disruption_takes_one_of_each_kind_at_a_time():
    budgets = {
        folder: [one for one in RESOURCES[folder] if one["kind"] == "PodDisruptionBudget"] for folder in RESOURCES
    }
    for folder, controllers in (("base", list(BASE.values())), ("shards", RESOURCES["shards"])):
        running = [one for one in controllers if one["kind"] in {"Deployment", "StatefulSet"}]
        selected = [one["spec"]["selector"]["matchLabels"] for one in budgets[folder]]
        assert sorted(map(str, selected)) == sorted(str(one["spec"]["selector"]["matchLabels"]) for one in running)
        for one in running:
            assert one["spec"]["selector"]["matchLabels"].items() <= labels(one).items()


def test_workers_are_scaled_by_the_lag_of_their_own_group_in_the_topics_that_it_reads():
    assert {one["metadata"]["name"] for one in SCALED} == set(WORKERS)
    for one in SCALED:
        name, spec = one["metadata"]["name"], one["spec"]
        assert spec["scaleTargetRef"]["name"] == name
        assert spec["scaleTargetRef"]["envSourceContainerName"] == pod(BASE[name])["containers"][0]["name"]
        group, reads, _ = rows("process")[" ".join(WORKERS[name])]
        facts = [trigger["metadata"] for trigger in spec["triggers"]]
        assert {fact["consumerGroup"] for fact in facts} == named(group)
        # Rankers follow changes without a group, so they have no lag.
        topics = named(reads) - {"catalog.changes"}
        assert {fact["topic"] for fact in facts} == topics
        assert spec["maxReplicaCount"] == min(TOPICS[topic].partitions for topic in topics)
        # Somebody waits for a clip; songs of a bulk load can wait for their workers.
        assert spec["minReplicaCount"] == (0 if name.endswith("-tracks") else 1)
        for fact in facts:
            assert fact["bootstrapServersFromEnv"] in settings_of(list(WORKERS[name]))
            assert int(fact["lagThreshold"]) > 0


def test_the_shards_are_all_parts_of_one_catalogue_and_somebody_merges_their_answers():
    found = []
    for one in SHARDS:
        (container,) = pod(one)["containers"]
        (asked,) = [each["value"] for each in container["env"] if each["name"] == "TUNEKIN_RANKER_SHARD"]
        shard = Shard.parse(asked)
        assert one["metadata"]["name"] == f"rank-{asked.replace('/', '-of-')}"
        assert command_of(one) == WORKERS["rank"]
        found.append(shard)
    assert found == [Shard.parse(f"{number}/{len(found)}") for number in range(1, len(found) + 1)]
    (merge,) = [one for one in RESOURCES["shards"] if one["kind"] == "Deployment"]
    assert " ".join(command_of(merge)) in rows("process of a divided catalogue")
    removed = [yaml.safe_load(one["patch"]) for one in KUSTOMIZATIONS["shards"]["patches"]]
    assert all(one["$patch"] == "delete" and one["metadata"] == {"name": "rank"} for one in removed)
    assert {one["kind"] for one in removed} == {"Deployment", "PodDisruptionBudget"}


def test_topics_and_catalogue_are_set_up_by_a_job():
    (job,) = [one for one in RESOURCES["base"] if one["kind"] == "Job"]
    assert pod(job)["containers"][0]["command"] == ["tunekin", "setup"]


def test_the_page_is_served_in_front_of_the_workers_with_settings_that_it_reads():
    (container,) = pod(BASE["web"])["containers"]
    assert container["command"] == ["tunekin", "serve", "--kafka"]
    known = {*names_of(WebSettings), *(name for group in SERVER_GROUPS for name in names_of(group))}
    assert {one["name"] for one in container["env"]} <= known


def test_telegram_is_answered_in_front_of_the_workers_as_compose_does_it():
    (bot,) = RESOURCES["telegram"]
    assert pod(bot)["containers"][0]["command"] == SERVICES["telegram"]["entrypoint"]
    # Of two that ask Telegram with one token, one is refused.
    assert (bot["spec"]["replicas"], bot["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_what_decodes_bytes_from_outside_reaches_neither_catalogue_nor_cache():
    policies = {one["metadata"]["name"]: one["spec"] for one in RESOURCES["base"] if one["kind"] == "NetworkPolicy"}
    (expression,) = policies["decode"]["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == {name for name, command in WORKERS.items() if "decode" in command}
    (egress,) = policies["decode"]["egress"]
    assert not {3306, 6379} & {one["port"] for one in egress["ports"]}
    for name in ("workers", "web"):
        selector = policies[name]["podSelector"]["matchLabels"]
        assert any(selector.items() <= labels(one).items() for one in BASE.values())
