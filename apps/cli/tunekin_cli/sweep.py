"""``tunekin blobs sweep``: forget values of the blob store that nothing refers to."""

from collections.abc import Iterable, Iterator

from rich.console import Console

from tunekin import codec
from tunekin.dead_letters import standing
from tunekin.errors import MessageError, OptionError
from tunekin.kafka import KafkaBus, committed
from tunekin.messages import Answer, CatalogueChange, Partial, TrackOutcome
from tunekin.ports import ClaimCheck, Record
from tunekin.topics import DEAD_LETTERS, TOPICS
from tunekin_cli.servers import Servers

__all__ = ["LEAST_AGE_S", "referred_to", "run"]

# A value is put before the record that names it is sent: whoever does both takes less than that, or is gone.
LEAST_AGE_S = 3_600.0
# Small by nature, so they never travel by claim check.
_WITHOUT_CLAIMS = {Answer, TrackOutcome, CatalogueChange, Partial}


def run(servers: Servers, *, before_s: float, now_s: float, dry_run: bool) -> int:
    """Forget the values of a worker that died between writing its outcome and deleting what that was made of.

    1. Look for values that are old enough.
    2. Leave out what a dead letter refers to, then what a record does that waits for a worker. In this order, since a
       replay sends the record before it forgets the letter; but up to where groups are is asked for first, since a
       letter is written before its record is committed.
    3. Delete the rest.

    Parameters
    ----------
    servers : Servers
        Brokers and blob store.
    before_s : float
        Time of day in seconds since 1970; what was put later stays.
    now_s : float
        Time of day.
    dry_run : bool
        Whether to say only what would be deleted.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    OptionError
        The time is so late that values would be deleted before their records are sent.
    DependencyError
        A server is out of reach.
    """
    if now_s - before_s < LEAST_AGE_S:
        msg = f"values of the last {max(now_s - before_s, 0):.0f} s may still be on their way"
        raise OptionError(msg, hint=f"take {LEAST_AGE_S / 60:.0f}m or more")
    blobs = servers.blob_store()
    # Step 1
    old = list(blobs.kept(before_s=before_s))
    # Step 2
    spared = referred_to(_records(servers)) if old else set()
    orphans = [claim for claim in old if claim.uri not in spared]
    # Step 3
    for claim in () if dry_run else orphans:
        blobs.delete(claim)
    total_mb = sum(claim.size_bytes or 0 for claim in orphans) / 1e6
    words = "would be deleted" if dry_run else "deleted"
    said = f"{len(orphans)} values of {total_mb:.1f} MB {words}, {len(old) - len(orphans)} old ones are in use"
    Console().print(said, highlight=False)
    return 0


def referred_to(records: Iterable[Record]) -> set[str]:
    """Collect what records refer to.

    Parameters
    ----------
    records : iterable of Record
        The records.

    Returns
    -------
    set of str
        URIs.
    """
    return {claim.uri for claim in map(_claim, records) if claim is not None}


def _claim(record: Record) -> ClaimCheck | None:
    try:
        return None if record.value else codec.claim_of(record)
    except MessageError:
        # It will fail, and whoever sent it can't have meant what lies here.
        return None


def _records(servers: Servers) -> Iterator[Record]:
    """Dead letters' records, then all that wait for a worker."""
    bus: KafkaBus = servers.bus()
    since = committed(servers.kafka)
    yield from (letter.original for letter in standing(bus.newest_first(DEAD_LETTERS)))
    for topic in TOPICS.values():
        if set(topic.carries) - _WITHOUT_CLAIMS:
            yield from bus.history(topic.name, since=since)
