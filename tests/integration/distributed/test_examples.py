"""The examples, as somebody would run them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import clip_of, noise, spread

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
