"""A producer app on asyncio: ``python asynchronous.py FILE...``.

Publishes all files at once and prints a line for each. The variables ``TUNEKIN_KAFKA_…`` say where the brokers are.
"""

import asyncio
import sys
from pathlib import Path

from tunekin.client import AsyncClient, connect_async


async def ask(client: AsyncClient, file: str) -> bool:
    answer = await client.wait(await client.publish(Path(file)), timeout_s=60)
    mood = answer.mood.label.en if answer.mood else "no mood"
    print(f"{file}: {answer.status}, {mood}, {len(answer.matches)} songs")
    return answer.status == "answered"


async def main(*files: str) -> bool:
    async with await asyncio.to_thread(connect_async) as client:
        return all(await asyncio.gather(*(ask(client, file) for file in files)))


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main(*sys.argv[1:])) else 1)
