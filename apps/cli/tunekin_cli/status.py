"""``tunekin status``: brokers, workers, what waits, what failed."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from tunekin.errors import DependencyError, TunekinError
from tunekin.kafka import GroupLag, arrivals, described, drift, existing, lags
from tunekin.topics import DEAD_LETTERS
from tunekin_cli.json_output import print_json
from tunekin_cli.servers import Servers

__all__ = ["run"]

_ANSWERS, _OUTCOMES = "recommendations", "catalog.outcomes"


def run(servers: Servers, *, as_json: bool) -> int:
    """Print how the installation is.

    Parameters
    ----------
    servers : Servers
        Brokers and catalogue.
    as_json : bool
        Whether to print JSON.

    Returns
    -------
    int
        Exit code: 0, or 1 where something needs a person.

    Raises
    ------
    DependencyError
        No broker answers.
    """
    differences = drift(servers.kafka)
    groups, came = lags(servers.kafka), arrivals(servers.kafka)
    letters = _dead_letters(servers) if DEAD_LETTERS in existing(servers.kafka) else Counter()
    catalogue, trouble = _catalogue(servers)
    if as_json:
        print_json(
            {
                "topics": differences or "as they should be",
                **described(groups, came),
                "catalogue": catalogue,
                "dead_letters": dict(letters),
            }
        )
    else:
        _print(differences, groups, came=came, catalogue=catalogue, trouble=trouble, letters=letters)
    return 1 if differences or trouble else 0


def _dead_letters(servers: Servers) -> Counter[str]:
    return Counter(letter.problem.code for letter in servers.dead_letters().letters())


def _catalogue(servers: Servers) -> tuple[dict[str, object], TunekinError | None]:
    with servers.reader() as reader:
        try:
            return {"tracks": reader.count(), "version": reader.version(), "models": reader.model_versions()}, None
        except DependencyError as error:
            return {"error": error.message}, error


def _print(
    differences: list[str],
    groups: list[GroupLag],
    *,
    came: Mapping[str, int],
    catalogue: dict[str, object],
    trouble: TunekinError | None,
    letters: Counter[str],
) -> None:
    console = Console()
    console.print(f"topics        {'; '.join(differences) or 'as they should be'}", highlight=False, soft_wrap=True)
    said = trouble.message if trouble else "{tracks} tracks, version {version}".format(**catalogue)
    console.print(f"catalogue     {said}", highlight=False, soft_wrap=True)
    by_code = ", ".join(f"{count} {code}" for code, count in letters.most_common())
    console.print(f"dead letters  {by_code or 'none'}", highlight=False, soft_wrap=True)
    done = f"{came.get(_ANSWERS, 0)} clips and {came.get(_OUTCOMES, 0)} tracks had their outcome"
    console.print(f"last minute   {done}", highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("group", "workers", "came in the last minute", "waiting"):
        table.add_column(column, justify="left" if column in {"group", "waiting"} else "right")
    for one in groups:
        waiting = ", ".join(f"{count} on {topic}" for topic, count in one.behind.items() if count)
        arrived = sum(came.get(topic, 0) for topic in one.behind)
        table.add_row(one.group, str(one.members), str(arrived), waiting or "nothing")
    console.print(table if groups else "no worker has ever committed anything")
