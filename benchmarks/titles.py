"""Search by name over 100,000 made-up names: ``make bench-titles``.

A third of the names is Korean. Each question is a title and its artist with one letter gone; beside it, RapidFuzz alone
compares the same questions with every name.
"""

import random
import time
from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import fuzz, process

from benchmarks import report
from tunekin.catalogue.records import TrackName
from tunekin.catalogue.titles import TitleIndex, letters

_NAMES, _QUESTIONS, _BRUTE_QUESTIONS = 100_000, 300, 10
_HANGUL = range(ord("가"), ord("힣") + 1)


def main() -> None:
    """Measure, print and keep the figures."""
    chance = random.Random(0)  # noqa: S311 - names, no secrets
    names = _names(chance)
    began_s = time.perf_counter()
    index = TitleIndex(names)
    build_s = time.perf_counter() - began_s
    asked = [(name, _misspelt(f"{name.title} {name.artist}", chance)) for name in chance.sample(names, _QUESTIONS)]
    took_ms = _times_ms(lambda text: index.search(text, limit=10), [text for _, text in asked])
    # Several songs may bear the very name; whichever of them is first is right.
    firsts = [[names[int(found.track_id)][1:3] for found in index.search(text, limit=1)] for _, text in asked]
    hits = [first == [name[1:3]] for first, (name, _) in zip(firsts, asked, strict=True)]
    texts = [letters(f"{name.title} {name.artist}") for name in names]
    brute_ms = _times_ms(
        lambda text: process.extract(letters(text), texts, scorer=fuzz.WRatio, limit=10),
        [text for _, text in asked[:_BRUTE_QUESTIONS]],
    )
    figures = {
        "names": _NAMES,
        "build_s": build_s,
        "search_p50_ms": float(np.percentile(took_ms, 50)),
        "search_p99_ms": float(np.percentile(took_ms, 99)),
        "rapidfuzz_alone_p50_ms": float(np.percentile(brute_ms, 50)),
        "misspelt_first": float(np.mean(hits)),
    }
    report.show("Search by name", figures)
    report.write("titles", figures)


def _names(chance: random.Random) -> list[TrackName]:
    hangul = ["".join(chr(chance.choice(_HANGUL)) for _ in range(chance.randint(1, 4))) for _ in range(6_000)]
    latin = [
        "".join(chance.choice("bcdfghklmnprstvw") + chance.choice("aeiou") for _ in range(chance.randint(1, 5)))
        for _ in range(12_000)
    ]

    def some(words: Sequence[str], most: int) -> str:
        return " ".join(chance.choice(words) for _ in range(chance.randint(1, most)))

    names = []
    for number in range(_NAMES):
        words = latin if number % 3 else hangul
        names.append(TrackName(str(number), some(words, 5), some(words, 2), some(words, 4)))
    return names


def _misspelt(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + text[place + 1 :]


def _times_ms(search: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    took_ms = []
    for text in texts:
        began_s = time.perf_counter()
        search(text)
        took_ms.append((time.perf_counter() - began_s) * 1e3)
    return took_ms


if __name__ == "__main__":
    main()
