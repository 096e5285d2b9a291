"""Graphs of where time goes."""

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from benchmarks.flame import draw, read

STACKS = ["main;search;floors 880", "main;search;<lambda> 117", "main;rare 2", "main 1"]
SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str) -> dict[str, tuple[float, float, float]]:
    """Begin, width and height above the ground of each box, by its title."""
    root = ET.fromstring(svg)
    found = {}
    for group in root.iter(f"{SVG}g"):
        title, rect = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        assert title is not None
        assert rect is not None
        found[title.text or ""] = (float(rect.attrib["x"]), float(rect.attrib["width"]), -float(rect.attrib["y"]))
    return found


def test_a_frame_stands_on_its_caller_as_wide_as_its_share():
    found = boxes(draw(read(STACKS)))
    assert list(found) == ["all: 100.0%", "main: 100.0%", "search: 99.7%", "<lambda>: 11.7%", "floors: 88.0%"]
    assert found["<lambda>: 11.7%"][:2] == (2.0, 117.0)
    assert found["floors: 88.0%"][:2] == (119.0, 880.0)
    heights = [height for *_, height in found.values()]
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4]


def test_a_graph_is_a_picture_alone():
    names = {element.tag.removeprefix(SVG) for element in ET.fromstring(draw(read(STACKS))).iter()}
    assert names == {"svg", "g", "rect", "title", "text"}


def test_stacks_that_share_callers_are_counted_together():
    root = read(["a;b 1", "a;c 2", "a;b 3"])
    assert root.samples == 6
    assert root.callees["a"].callees["b"].samples == 4


@pytest.mark.parametrize(
    ("lines", "why"), [(["a;b"], "line 1 is 'a;b'"), (["a 1", "a x"], "line 2"), ([], "no stacks")]
)
def test_what_is_no_stack_is_named(lines, why):
    with pytest.raises(ValueError, match=why):
        read(lines)


def test_the_program_draws_a_file(tmp_path):
    stacks, graph = tmp_path / "stacks.txt", tmp_path / "graph.svg"
    stacks.write_text("\n".join(STACKS))
    command = [sys.executable, "-m", "benchmarks.flame", str(stacks), str(graph)]
    subprocess.run(command, check=True)
    assert graph.read_text() == draw(read(STACKS))
    wrong = subprocess.run(
        [*command[:3], str(tmp_path / "none"), str(graph)], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "none" in wrong.stderr
