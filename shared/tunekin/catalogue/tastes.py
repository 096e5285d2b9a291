"""What listeners like and dislike: written by the programs that they use, the gateway and the bot.

The catalogue's version does not change with it: what a clip is answered by, it brings along
(`tunekin.messages.ClipOptions`). Nothing here is added up over listeners.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tunekin.catalogue.database import reading, writing
from tunekin.catalogue.models import TasteRow
from tunekin.codec import DISLIKES_MAX, LIKES_MAX
from tunekin.errors import NotFoundError, OptionError
from tunekin.ports import Clock

__all__ = ["MOST", "Opinion", "Tastes", "Verdict", "newest"]

Verdict: TypeAlias = Literal["like", "dislike"]

# Opinions of one listener: more than anybody gives by hand, and little for a table.
MOST = 2_000


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a listener thinks of a track.

    Attributes
    ----------
    track_id : str
        The track.
    verdict : {'like', 'dislike'}
        What they think.
    at_ms : int
        Since when, in milliseconds since 1970.
    """

    track_id: str
    verdict: Verdict
    at_ms: int


class Tastes:
    """Keeps opinions by listener; may be used from any thread and process.

    A listener is a text that nobody else is known by, such as a secret that their browser holds, or ``telegram:`` and
    the id of an account. Only its SHA-256 is stored.

    Each method raises `tunekin.errors.DependencyError` where the database can't be reached.

    Parameters
    ----------
    engine : Engine
        See `tunekin.catalogue.database.open_engine`.
    clock : Clock
        Time of day in seconds.
    """

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def put(self, listener: str, track_id: str, verdict: Verdict) -> Opinion:
        """Note what a listener thinks of a track, in the place of what they thought before.

        Parameters
        ----------
        listener : str
            Who.
        track_id : str
            A track of the catalogue.
        verdict : {'like', 'dislike'}
            What they think.

        Returns
        -------
        Opinion
            As it is stored.

        Raises
        ------
        NotFoundError
            The catalogue does not hold the track.
        OptionError
            There is no such verdict, or the listener has as many opinions as may be.
        """
        if verdict not in get_args(Verdict):
            msg = f"the verdict is {verdict[:40]!r}"
            raise OptionError(msg, hint="like or dislike")
        opinion = Opinion(track_id=track_id, verdict=verdict, at_ms=round(self._clock() * 1000))
        said = {"verdict": verdict, "at_ms": opinion.at_ms}
        mine = TasteRow.listener == _key(listener)
        try:
            with writing(self._engine) as connection:
                held = connection.execute(select(func.count()).where(mine)).scalar_one()
                if held < MOST:
                    connection.execute(insert(TasteRow).values(listener=_key(listener), track_id=track_id, **said))
                    return opinion
        except IntegrityError:
            # There is an opinion already, or there is no such track: what follows tells which.
            held = 0
        with writing(self._engine) as connection:
            changed = connection.execute(update(TasteRow).where(mine, TasteRow.track_id == track_id).values(**said))
        if changed.rowcount:
            return opinion
        if held:
            msg = f"there are {held} likes and dislikes already"
            raise OptionError(msg, hint="forget some, or all")
        raise NotFoundError(f"the catalogue holds no track {track_id[:80]!r}", hint="ids are compared to the letter")

    def remove(self, listener: str, track_id: str) -> bool:
        """Forget what a listener thinks of a track.

        Parameters
        ----------
        listener : str
            Who.
        track_id : str
            The track.

        Returns
        -------
        bool
            Whether there was anything to forget.
        """
        with writing(self._engine) as connection:
            statement = delete(TasteRow).where(TasteRow.listener == _key(listener), TasteRow.track_id == track_id)
            return bool(connection.execute(statement).rowcount)

    def of(self, listener: str) -> list[Opinion]:
        """List a listener's opinions.

        Parameters
        ----------
        listener : str
            Who.

        Returns
        -------
        list of Opinion
            All of them, the newest first.
        """
        query = (
            select(TasteRow.track_id, TasteRow.verdict, TasteRow.at_ms)
            .where(TasteRow.listener == _key(listener))
            .order_by(TasteRow.at_ms.desc(), TasteRow.track_id)
        )
        with reading(self._engine) as connection:
            return [
                Opinion(track_id=row.track_id, verdict=row.verdict, at_ms=row.at_ms)
                for row in connection.execute(query)
            ]

    def forget(self, listener: str) -> int:
        """Forget all of a listener's opinions.

        Parameters
        ----------
        listener : str
            Who.

        Returns
        -------
        int
            How many there were.
        """
        with writing(self._engine) as connection:
            return connection.execute(delete(TasteRow).where(TasteRow.listener == _key(listener))).rowcount


def newest(opinions: Sequence[Opinion]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose what an answer is to follow: as many likes and dislikes as a question may bring.

    Parameters
    ----------
    opinions : sequence of Opinion
        The newest first.

    Returns
    -------
    likes, dislikes : tuple of str
        Ids of tracks, in order, so that the same taste is always written the same way.
    """

    def some(verdict: Verdict, most: int) -> tuple[str, ...]:
        return tuple(sorted([one.track_id for one in opinions if one.verdict == verdict][:most]))

    return some("like", LIKES_MAX), some("dislike", DISLIKES_MAX)


def _key(listener: str) -> str:
    return hashlib.sha256(listener.encode()).hexdigest()
