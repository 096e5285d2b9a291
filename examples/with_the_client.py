"""A producer app that uses Tunekin's client: ``python with_the_client.py FILE...``.

Publishes each file as a clip and prints each answer as it comes. The variables ``TUNEKIN_KAFKA_…`` say where the
brokers are.
"""

import sys
from pathlib import Path

from tunekin.client import ClipOptions, connect


def main(*files: str) -> bool:
    all_answered = True
    with connect(source="/examples") as client:
        names = {client.publish(Path(file), options=ClipOptions(k=3)): file for file in files}
        for result in client.results(timeout_s=60):
            answer, file = result.answer, names[result.ticket]
            if answer.error is not None:
                all_answered = False
                print(f"{file}: {answer.error.message}; {answer.error.hint}")
            for match in answer.matches:
                print(f"{file}: {match.similarity:.2f} {match.artist} - {match.title} at {match.track_span_s[0]:.0f} s")
    return all_answered


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
