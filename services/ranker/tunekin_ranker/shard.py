"""Which tracks a ranker holds, where a catalogue is divided among several."""

import zlib
from dataclasses import dataclass

from tunekin.errors import OptionError

__all__ = ["WHOLE", "Shard"]


@dataclass(frozen=True)
class Shard:
    """One of the parts that a catalogue is divided into.

    Attributes
    ----------
    number : int
        Which one, from 1 on.
    count : int
        How many there are.

    Examples
    --------
    >>> Shard.parse("2/3")
    Shard(number=2, count=3)
    >>> [shard for shard in (Shard(1, 2), Shard(2, 2)) if shard.holds("a-song")]
    [Shard(number=1, count=2)]
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read a shard's name.

        Parameters
        ----------
        text : str
            Such as ``2/3`` for the second of three; empty for the whole catalogue.

        Returns
        -------
        Shard
            The shard.

        Raises
        ------
        OptionError
            There is no such shard.
        """
        if not text:
            return WHOLE
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise OptionError(f"the shard is {text[:40]!r}", hint="NUMBER/COUNT, as 2/3 for the second of three")
        return cls(int(number), int(count))

    def holds(self, track_id: str) -> bool:
        """Say whether a track belongs to this shard.

        By CRC-32 of its id in UTF-8, so that a track stays where it is, whatever else comes and goes, and SQL can say
        the same: ``CRC32(track_id) % count = number - 1``.

        Parameters
        ----------
        track_id : str
            Name of the track.

        Returns
        -------
        bool
            True for exactly one shard of a count.
        """
        return zlib.crc32(track_id.encode()) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"


WHOLE = Shard(1, 1)
