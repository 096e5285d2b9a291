"""``tunekin serve`` as a program: it says where it is, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2


def serving(home: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tunekin_cli", "--home", str(home), "serve", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"})


def test_a_server_that_is_told_to_end_answers_what_waits_and_leaves_nothing_behind(tmp_path):
    with serving(tmp_path, "--port", "0") as server:
        address = server.stderr.readline().split()[3]
        posted = httpx2.post(f"{address}api/v1/clips", content=b"words")
        server.send_signal(signal.SIGTERM)
        assert (posted.status_code, server.wait(60)) == (202, 0)
    assert not list(tmp_path.glob("blobs-*"))


def test_a_port_in_use_is_said_in_words(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, "--port", str(port)) as server:
            words = server.stderr.read()
            assert server.wait(60) == 1
    assert f"127.0.0.1:{port} can't be listened at" in words
    assert "--port" in words
