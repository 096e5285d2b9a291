"""A child process that logs to a file and cannot outlive its parent, however that dies."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Child"]

# The pipe ends with whoever holds its other end. The kernel's own signal for the purpose would follow the thread that
# started the child, not the process.
_WATCHDOG = 'read -r _; kill -KILL "$1"'


class Child:
    """A program as a child process.

    Parameters
    ----------
    command : sequence of str
        Program with its arguments.
    log : Path
        File that takes everything that it says; appended to.
    name : str or None
        What the process is called; its program's name unless it is given.
    folder : Path or None
        Where it runs; here unless it is given.
    environment : mapping of str to str or None
        Its variables; those of this process unless they are given.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        name: str | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        executable, *arguments = command
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [name or executable, *arguments],
                executable=executable,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                # Ctrl-C is for the parent, which then ends its children in order.
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "watchdog", str(self._process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int | None:
        """Process id; None once it has ended."""
        return self._process.pid if self.code is None else None

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        code = self._process.poll()
        if code is not None:
            # Its id may soon be another's, whom the watchdog must not hit.
            self._dismiss_watchdog()
        return code

    def tell(self) -> None:
        """Ask it to end, without waiting."""
        if self.pid is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, *, timeout_s: float) -> None:
        """Let it end in order, and by force where that takes too long.

        Parameters
        ----------
        timeout_s : float
            How long it may take.
        """
        self.tell()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._let_go()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._let_go()

    def _let_go(self) -> None:
        """Collect it."""
        self._process.wait()
        self._dismiss_watchdog()

    def _dismiss_watchdog(self) -> None:
        self._watchdog.kill()
        self._watchdog.wait()
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
