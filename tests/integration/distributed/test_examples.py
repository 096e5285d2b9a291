"""The examples, as somebody would run them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import clip_of, new_key, noise, spread

EXAMPLES = Path(__file__).parents[3] / "examples"
# How long a machine with much else to do takes for three clips.
PATIENCE_S = 120


@pytest.fixture
def clips(installation, tmp_path):
    """Three files with a clip each."""
    files = [tmp_path / f"{number}.flac" for number in range(3)]
    for file, song in zip(files, spread(installation.songs, 3), strict=True):
        file.write_bytes(clip_of(song))
    return files


def run(installation, *command, **how):
    environment = {**os.environ, **installation.environment}
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **how,
    )
    assert done.returncode == 0, done.stdout + done.stderr + installation.said()
    return done.stdout


def check_answers(output, clips, *, count):
    answers = {line["file"]: line["answer"] for line in map(json.loads, output.splitlines())}
    assert set(answers) == set(map(str, clips))
    for answer in answers.values():
        assert answer["status"] == "answered"
        assert len(answer["matches"]) == count
        assert answer["search"]["proven"] is True
        assert set(answer["timeline"]) >= {"ingest", "featurizer", "classifier", "ranker", "waiting", "total"}


def test_a_program_that_knows_kafka_alone_gets_answers(installation, clips):
    # Isolated, so that it can't know Tunekin.
    script = EXAMPLES / "plain_kafka.py"
    output = run(installation, sys.executable, "-I", script, installation.kafka.address, installation.prefix, *clips)
    check_answers(output, clips, count=5)


def test_the_client_hands_out_answers_and_failures(installation, clips, tmp_path):
    output = run(installation, sys.executable, EXAMPLES / "with_the_client.py", *clips)
    assert [sum(line.startswith(f"{file}: ") for line in output.splitlines()) for file in clips] == [3, 3, 3]
    (tmp_path / "broken.ogg").write_bytes(b"no sound")
    environment = {**os.environ, **installation.environment}
    command = [sys.executable, EXAMPLES / "with_the_client.py", tmp_path / "broken.ogg"]
    failed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert failed.returncode == 1
    assert "sound" in failed.stdout


def test_the_client_for_asyncio_hands_out_answers(installation, clips, tmp_path):
    # More than a record takes, so that it goes by the blob store.
    (tmp_path / "large.wav").write_bytes(noise(1, duration_s=30))
    files = [*clips, tmp_path / "large.wav"]
    lines = run(installation, sys.executable, EXAMPLES / "asynchronous.py", *files).splitlines()
    assert {line.partition(":")[0] for line in lines} == set(map(str, files))
    assert all("answered" in line and line.endswith("5 songs") for line in lines)


def test_a_program_in_javascript_gets_answers(installation, clips, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(EXAMPLES / "kafkajs", project, ignore=shutil.ignore_patterns("node_modules"))
    run(installation, "npm", "ci", "--no-audit", "--no-fund", cwd=project)
    output = run(installation, "node", project / "publish.js", installation.kafka.address, installation.prefix, *clips)
    check_answers(output, clips, count=3)


def test_the_lines_for_kcat_publish_and_read_as_they_stand_on_the_page(installation, clips):
    page = (EXAMPLES.parent / "docs" / "producers.md").read_text()
    lines = [line.strip() for line in page.splitlines() if line.startswith("    ") and "kcat" in line]
    publish = [line for line in lines if " -t clips " in line]
    (read,) = (line for line in lines if " -t recommendations " in line)
    ((track_id,),) = installation.query("SELECT track_id FROM tracks ORDER BY track_id LIMIT 1")
    own = new_key()

    def here(line: str) -> str:
        for name in ("clips", "recommendations"):
            line = line.replace(f" -t {name} ", f" -t {installation.prefix}{name} ")
        for said, meant in (("localhost:9092", installation.kafka.address), ("recorded.ogg", str(clips[0]))):
            line = line.replace(said, meant)
        return line.replace("my-", f"{own}-").replace("TRACK_ID", track_id)

    for line in publish:
        run(installation, "sh", "-c", here(line))
    keys = [f"{own}-{name}" for name in ("clip", "mood", "song")]
    installation.outcomes(keys)
    said = dict(line.split(" ", 1) for line in run(installation, "sh", "-c", here(read)).splitlines())
    answers = {key.removeprefix(f"{own}-"): json.loads(said[key]) for key in keys}
    assert {answer["status"] for answer in answers.values()} == {"answered"}
    assert len(answers["clip"]["matches"]) == 5
    assert answers["mood"]["search"]["scope"] == "mood"
    assert track_id not in [match["track_id"] for match in answers["song"]["matches"]]
