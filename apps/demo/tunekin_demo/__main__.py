"""``python -m tunekin_demo``: the main job from beginning to end, in one process.

1. Put music into a catalogue: a folder of the user's, else the pieces that the project composes itself.
2. Play the part of a person who hears a song and records 6 s of it through a bad microphone.
3. Say the recording's mood and the five songs most like it.
"""

import argparse
import hashlib
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from tunekin import logging
from tunekin.errors import OptionError, TunekinError
from tunekin.messages import ClipOptions, Track
from tunekin_cli.render import show_answer, show_error
from tunekin_demo import bad_microphone
from tunekin_demo.compose.__main__ import compose_once
from tunekin_embedded.clip_lane import ClipLane
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find, local_path
from tunekin_embedded.track_lane import load

__all__ = ["main"]

_CLIP_S = 6.0
# What phones and messengers send.
_CODEC: Final = "opus"
_BITRATE_BPS = 32_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

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
    console = Console()
    try:
        settings = EmbeddedSettings.read()
        logging.configure(level=settings.program.log_level, fmt=settings.program.log_format)
        return _run(options, settings, console)
    except TunekinError as error:
        show_error(error)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tunekin-demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--music", type=Path, help="folder of music; else the project's own composed pieces")
    parser.add_argument("--state", type=Path, default=Path(".demo"), help="folder for the demo's state")
    parser.add_argument("--seed", type=int, default=None, help="choose the same song and moment every time")
    return parser


def _run(options: argparse.Namespace, settings: EmbeddedSettings, console: Console) -> int:
    # Step 1
    music: Path = options.music.expanduser() if options.music else compose_once(options.state / "music")
    home = Home(options.state / f"home-{hashlib.sha256(str(music.absolute()).encode()).hexdigest()[:8]}").prepare()
    tracks = list(find(music))
    if not tracks:
        msg = f"there are no sound files in {music}"
        raise OptionError(msg, hint="name a folder with music: make demo MUSIC=FOLDER")
    with Parts(home, settings=settings) as parts:
        with LoadProgress(total=len(tracks)) as progress:
            for outcome in load(parts, tracks):
                progress.take(outcome)
        progress.print_report()
        # Step 2
        chance = random.Random(options.seed)  # noqa: S311 - chooses a song, guards nothing
        song = _choose(parts, tracks, chance)
        recording, start_s = _record(parts, song, chance)
        file = home.folder / f"recorded.{_CODEC}"
        file.write_bytes(recording)
        console.print()
        console.print(
            Text.assemble(
                "somebody hears ",
                (f"{song.title or song.track_id} by {song.artist or 'unknown'}", "bold"),
                f" and records {_CLIP_S:.0f} s of it, from {start_s:.1f} s on, with a phone across the room",
            )
        )
        console.print(f"the recording is {file}", style="dim", highlight=False)
        console.print()
        # Step 3
        lane = ClipLane(parts)
        answer = lane.answer(recording, options=ClipOptions())
        show_answer(answer, console=console)
    console.print()
    command = f"{Path(sys.executable).parent / 'tunekin'} --home {home.folder}"
    console.print(f"go on with:\n  {command} similar FILE\n  {command} moods", highlight=False, soft_wrap=True)
    return 0 if answer.status == "answered" else 1


def _choose(parts: Parts, tracks: Sequence[Track], chance: random.Random) -> Track:
    """Choose a song that the catalogue holds."""
    held = {track.track_id: track for track in parts.reader.tracks([track.track_id for track in tracks]).values()}
    if not held:
        msg = "no file could be used"
        raise OptionError(msg, hint="the lines above say why")
    return held[chance.choice(sorted(held))]


def _record(parts: Parts, song: Track, chance: random.Random) -> tuple[bytes, float]:
    """Record a moment of a song through a bad microphone; decoding goes through the sandbox, as always."""
    pcm = parts.decoder.decode(local_path(song.source_uri).read_bytes())
    start_s = chance.uniform(0.0, max(pcm.duration_s - _CLIP_S, 0.0))
    heard = bad_microphone.cut(
        pcm.signal, start_s=start_s, duration_s=min(_CLIP_S, pcm.duration_s), sample_rate_hz=pcm.sample_rate_hz
    )
    recorded = bad_microphone.record(heard, sample_rate_hz=pcm.sample_rate_hz, seed=chance.randrange(2**31))
    data = bad_microphone.encode(recorded, sample_rate_hz=pcm.sample_rate_hz, codec=_CODEC, bitrate_bps=_BITRATE_BPS)
    return data, start_s


if __name__ == "__main__":
    sys.exit(main())
