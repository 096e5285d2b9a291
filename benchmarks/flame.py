"""Draws where time goes, from stacks that a profiler counted: ``python -m benchmarks.flame STACKS.txt GRAPH.svg``.

A line of stacks is what ``py-spy record --format raw`` writes: the frames from the outermost to the innermost with
semicolons between them, a space, and how often that was seen. In the graph a frame stands on its caller, as wide as its
share of the samples; what lies side by side has the order of the alphabet, not of time. It is a picture without script.
"""

import argparse
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

__all__ = ["Frame", "draw", "read"]

# Narrower ones are no more than a line.
LEAST_SHARE = 0.003
_WIDTH_PX = 1000
_ROW_PX = 18
_LETTER_PX = 6.6
_FONT = 'font-family="monospace" font-size="11"'
_FEWEST_LETTERS = 4
# Light enough for black letters.
_COLOURS = ("#f4a261", "#e9c46a", "#f2b5a7", "#d8c99b", "#f6bd60", "#e5b181")


@dataclass
class Frame:
    """A function in its place on the stack.

    Attributes
    ----------
    samples : int
        How often it was seen.
    callees : dict of str to Frame
        What it called, by name.
    """

    samples: int = 0
    callees: dict[str, "Frame"] = field(default_factory=dict)


def read(lines: Iterable[str]) -> Frame:
    """Count stacks.

    Parameters
    ----------
    lines : iterable of str
        Each a stack and how often it was seen.

    Returns
    -------
    Frame
        What calls all of them.

    Raises
    ------
    ValueError
        A line is something else, or there is none.
    """
    root = Frame()
    for number, line in enumerate(lines, 1):
        names, _, count = line.strip().rpartition(" ")
        if not names or not count.isdecimal():
            msg = f"line {number} is {line.strip()!r}, not frames with a semicolon between them, a space and a count"
            raise ValueError(msg)
        frame = root
        frame.samples += int(count)
        for name in names.split(";"):
            frame = frame.callees.setdefault(name, Frame())
            frame.samples += int(count)
    if not root.samples:
        msg = "there are no stacks"
        raise ValueError(msg)
    return root


def draw(root: Frame) -> str:
    """Draw counted stacks.

    Parameters
    ----------
    root : Frame
        What calls all of them.

    Returns
    -------
    str
        SVG; frames with less than 0.3 % of the samples are left out.
    """
    boxes = list(_boxes("all", root, start=0, depth=0, total=root.samples))
    height = (1 + max(depth for *_, depth in boxes)) * _ROW_PX
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH_PX} {height}" {_FONT}>',
        f'<rect width="{_WIDTH_PX}" height="{height}" fill="#fff"/>',
    ]
    for name, samples, start, depth in boxes:
        x, width = (_WIDTH_PX * count / root.samples for count in (start, samples))
        y = height - (depth + 1) * _ROW_PX
        colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
        drawn += [
            f"<g><title>{escape(name)}: {samples / root.samples:.1%}</title>",
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW_PX - 1}" fill="{colour}"/>',
            f'<text x="{x + 3:.1f}" y="{y + 13}">{escape(_label(name, width))}</text></g>',
        ]
    return "\n".join([*drawn, "</svg>", ""])


def _boxes(name: str, frame: Frame, *, start: int, depth: int, total: int) -> Iterator[tuple[str, int, int, int]]:
    """Name, samples, where it begins and how deep it is, of all that are wide enough."""
    if frame.samples < LEAST_SHARE * total:
        return
    yield name, frame.samples, start, depth
    for called, callee in sorted(frame.callees.items()):
        yield from _boxes(called, callee, start=start, depth=depth + 1, total=total)
        start += callee.samples


def _label(name: str, width_px: float) -> str:
    """As much of a name as fits."""
    letters = int((width_px - 6) / _LETTER_PX)
    if len(name) <= letters:
        return name
    return f"{name[: letters - 1]}…" if letters >= _FEWEST_LETTERS else ""


def main() -> None:
    """Draw a file of stacks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("stacks", type=Path)
    parser.add_argument("graph", type=Path)
    arguments = parser.parse_args()
    try:
        root = read(arguments.stacks.read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError) as error:
        parser.error(f"{arguments.stacks}: {error}")
    arguments.graph.write_text(draw(root), encoding="utf-8")


if __name__ == "__main__":
    main()
