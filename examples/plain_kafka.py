"""A producer app that knows Kafka and nothing of Tunekin: ``python -I plain_kafka.py BROKERS PREFIX FILE...``.

Publishes each file as a clip and prints a line of JSON for each outcome: the file, and the answer.
"""

import json
import sys
import uuid
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer


def main(brokers: str, prefix: str, *files: str) -> bool:
    waiting = {f"raw-{uuid.uuid4().hex[:8]}": file for file in files}
    consumer = KafkaConsumer(
        f"{prefix}recommendations",
        bootstrap_servers=brokers,
        group_id=f"raw-{uuid.uuid4().hex}",
        auto_offset_reset="earliest",
        consumer_timeout_ms=60_000,
    )
    producer = KafkaProducer(bootstrap_servers=brokers, max_request_size=2_200_000)
    for key, file in waiting.items():
        producer.send(f"{prefix}clips", key=key.encode(), value=Path(file).read_bytes()).get(10)
    producer.close()
    for record in consumer:
        if record.key.decode() in waiting:
            file = waiting.pop(record.key.decode())
            sys.stdout.write(json.dumps({"file": file, "answer": json.loads(record.value)}) + "\n")
        if not waiting:
            break
    consumer.close()
    return not waiting


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) and "tunekin" not in sys.modules else 1)
