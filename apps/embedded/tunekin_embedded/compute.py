"""The child of `tunekin_embedded.compute_process`: ``python -m tunekin_embedded.compute``."""

import signal
import sys

from tunekin_embedded.compute_process import serve
from tunekin_featurizer.service import service


def main() -> None:
    """Serve features on standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe, sys.stdout = sys.stdout.buffer, sys.stderr
    serve(service(topics=("tracks.audio",)).handle, sys.stdin.buffer, pipe)


if __name__ == "__main__":
    main()
