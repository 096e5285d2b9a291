"""``python -m tunekin_native start|stop|run``: the whole of a distributed Tunekin on this machine, without containers.

``start`` leaves a supervisor behind that owns everything, fills an empty catalogue, and says how to go on. ``stop``
ends it. ``run`` is the supervisor itself, in the foreground.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunekin import logging
from tunekin.errors import DependencyError, OptionError, TunekinError
from tunekin.health import stop_on_signals
from tunekin_native.server import HOST
from tunekin_native.stack import Stack

__all__ = ["main"]

_BROKERS = "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS"
_NEXT = """
everything runs; in a shell with its variables:
  . {folder}/env

publish a recording and wait for the answer:
  {tunekin} publish FILE --wait

or with any other client of Kafka:
  kcat -P -b {kafka} -t clips -k my-clip -X message.max.bytes=2162688 FILE
  kcat -C -b {kafka} -t recommendations -o -5 -e

look around:
  {tunekin} status
  {tunekin} dlq list

ask Prometheus, or have a Grafana ask it:
  http://{prometheus}/api/v1/query?query=tunekin_lag_records

end it, and keep what it holds:
  make stack-stop
"""

_POLL_S = 0.2
_START_TIMEOUT_S = 300.0
_STOP_TIMEOUT_S = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str or None
        Command line; the program's own unless it is given.

    Returns
    -------
    int
        Exit code.
    """
    options = _parser().parse_args(arguments)
    folder: Path = options.folder.absolute()
    try:
        if options.command == "stop":
            _stop(folder)
            return 0
        music = _music(options.music)
        if options.command == "run":
            return _run(folder, music)
        _start(folder, music)
        return _load(folder, music)
    except TunekinError as error:
        print(f"{error.message}\n{error.hint}".rstrip(), file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tunekin_native", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=("start", "stop", "run"))
    parser.add_argument("--folder", type=Path, default=Path(".stack"), help="folder for everything")
    parser.add_argument("--music", type=Path, help="folder of music; else the pieces that the project composes")
    return parser


def _music(asked: Path | None) -> Path | None:
    if asked is None:
        return None
    folder = asked.expanduser().absolute()
    if not folder.is_dir():
        raise OptionError(f"{folder} is no folder", hint="name a folder with music: make stack MUSIC=FOLDER")
    return folder


def _run(folder: Path, music: Path | None) -> int:
    logging.configure(level="info", fmt="console")
    stop = stop_on_signals()
    with _locked(folder), contextlib.ExitStack() as closing:
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        closing.callback(ready.unlink, missing_ok=True)
        stack = Stack(folder, readable=[music or _composed(folder)])
        closing.callback(stack.close)
        stack.start()
        ready.touch()
        stack.watch(stop)
    return 0


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, so that one supervisor has it at a time."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DependencyError(f"{folder} is in use by another supervisor", hint="run make stack-stop") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _supervisor(folder: Path) -> int | None:
    """Process id of the supervisor that holds the folder."""
    try:
        with (folder / "lock").open("r", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0) or None
    except FileNotFoundError:
        pass
    return None


def _start(folder: Path, music: Path | None) -> None:
    """See that a supervisor runs, and that it has brought everything up."""
    if _supervisor(folder) is not None and (folder / "ready").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "supervisor.log"
    with log.open("ab") as said:
        place = said.tell()
        command = [sys.executable, "-m", "tunekin_native", "run", "--folder", str(folder)]
        process = subprocess.Popen(
            command + ([] if music is None else ["--music", str(music)]),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            # It outlives this command, and its terminal.
            start_new_session=True,
        )
    give_up_s = time.monotonic() + _START_TIMEOUT_S
    with log.open("r", encoding="utf-8", errors="replace") as said:
        said.seek(place)
        while not (folder / "ready").exists():
            sys.stdout.write(said.read())
            sys.stdout.flush()
            if process.poll() is not None:
                sys.stdout.write(said.read())
                raise DependencyError(f"the supervisor ended with code {process.returncode}", hint=f"see {log}")
            if time.monotonic() > give_up_s:
                raise DependencyError(f"not everything is up after {_START_TIMEOUT_S:g} s", hint=f"see {log}")
            time.sleep(_POLL_S)
        sys.stdout.write(said.read())


def _stop(folder: Path) -> None:
    pid = _supervisor(folder)
    if pid is None:
        print("nothing runs")  # noqa: T201
        return
    os.kill(pid, signal.SIGTERM)
    give_up_s = time.monotonic() + _STOP_TIMEOUT_S
    while _supervisor(folder) == pid:
        if time.monotonic() > give_up_s:
            raise DependencyError(f"the supervisor {pid} has not ended after {_STOP_TIMEOUT_S:g} s")
        time.sleep(_POLL_S)
    print("stopped; what it holds stays, and make stack brings it back")  # noqa: T201


def _composed(folder: Path) -> Path:
    """Where the pieces lie that the project composes."""
    return folder / "music"


def _load(folder: Path, music: Path | None) -> int:
    """Fill an empty catalogue by the workers that have just started, and say how to go on."""
    environment = os.environ | _environment(folder)
    status = subprocess.run(
        [_program("tunekin"), "status", "--json"], env=environment, stdout=subprocess.PIPE, check=False
    )
    tracks = json.loads(status.stdout or b"{}").get("catalogue", {}).get("tracks", 0)
    code = 0
    if not tracks:
        if music is None:
            subprocess.run([sys.executable, "-m", "tunekin_demo.compose", str(_composed(folder))], check=True)
        source = music or _composed(folder)
        add = [_program("tunekin"), "catalog", "add", "--kafka", str(source)]
        code = subprocess.run(add, env=environment, check=False).returncode
    said = _NEXT.format(
        folder=folder,
        tunekin=_program("tunekin"),
        kafka=_environment(folder)[_BROKERS],
        prometheus=f"{HOST}:{(folder / 'prometheus' / 'port').read_text(encoding='utf-8')}",
    )
    print(said)  # noqa: T201
    return code


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _environment(folder: Path) -> dict[str, str]:
    """Read the variables that the supervisor wrote for shells."""
    lines = (folder / "env").read_text(encoding="utf-8").splitlines()
    pairs = [shlex.split(line)[1].partition("=") for line in lines]
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    sys.exit(main())
