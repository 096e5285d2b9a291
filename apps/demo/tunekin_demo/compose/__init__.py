"""A small catalogue of music that the project composes itself.

So the demo and the tests have music that anybody may hear, copy and change: 48 pieces in eight styles, by artists
that do not exist. From the outside in:

* `catalogue` lists the pieces (`Piece`); everything that follows is a pure function of a piece;
* `score` writes its notes down (`Line`, `Note`), from a style's patterns and progressions (`STYLES`);
* `render` plays them, with synthesised instruments and drums;
* `write_catalogue` and `write_piece` put the sound into files.

Sound is mono float32; times are in seconds, pitches in MIDI numbers, levels in dB.
"""

from tunekin_demo.compose.arrange import Line, Note, score
from tunekin_demo.compose.files import file_path, write_catalogue, write_piece
from tunekin_demo.compose.perform import render
from tunekin_demo.compose.pieces import Piece, catalogue
from tunekin_demo.compose.styles import STYLES, Part, Style

__all__ = [
    "STYLES",
    "Line",
    "Note",
    "Part",
    "Piece",
    "Style",
    "catalogue",
    "file_path",
    "render",
    "score",
    "write_catalogue",
    "write_piece",
]
