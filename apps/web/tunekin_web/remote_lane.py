"""The clips' lane of a distributed Tunekin, as the gateway uses it: published, and waited for."""

from collections.abc import Callable

from tunekin.client import Answer, Client, ClipOptions, Ticket
from tunekin.errors import DependencyError

__all__ = ["RemoteLane"]

# What a timeline has besides stages.
_SUMS = ("waiting", "total")


class RemoteLane:
    """Has clips answered by workers; many lanes share a client.

    Parameters
    ----------
    client : Client
        Outlives the lane.
    patience_s : float
        How long an answer may take.
    """

    def __init__(self, client: Client, *, patience_s: float) -> None:
        self._client = client
        self._patience_s = patience_s

    def answer(self, data: bytes, *, options: ClipOptions, name: str | None, heard: Callable[[str], None]) -> Answer:
        """Say a clip's mood and the tracks most like it.

        Parameters
        ----------
        data : bytes
            An encoded sound file.
        options : ClipOptions
            What is asked for.
        name : str or None
            Name of the clip; a new one unless it is given.
        heard : callable
            Told the names of the stages, all at the end.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.

        Raises
        ------
        DependencyError
            The brokers are out of reach, or no worker answers in time.
        """
        ticket = self._client.publish(data, options=options, key=name, timeout_s=self._patience_s)
        return self._awaited(ticket, heard)

    def answer_track(
        self, track_id: str, *, options: ClipOptions, name: str | None, heard: Callable[[str], None]
    ) -> Answer:
        """Say a track's mood and the tracks most like it.

        Parameters
        ----------
        track_id : str
            A track of the catalogue.
        options : ClipOptions
            What is asked for.
        name : str or None
            Name of the query; a new one unless it is given.
        heard : callable
            Told the names of the stages, all at the end.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.

        Raises
        ------
        DependencyError
            The brokers are out of reach, or no worker answers in time.
        """
        ticket = self._client.publish_query(track_id, options=options, key=name, timeout_s=self._patience_s)
        return self._awaited(ticket, heard)

    def close(self) -> None:
        """Do nothing: the client is others' too."""

    def _awaited(self, ticket: Ticket, heard: Callable[[str], None]) -> Answer:
        try:
            answer = self._client.wait(ticket, timeout_s=self._patience_s)
        except DependencyError:
            self._client.forget(ticket)
            raise
        for stage in answer.timeline:
            if stage not in _SUMS:
                heard(stage)
        return answer
