"""``tunekin reclassify``: bring the catalogue to a mood model, then have everything judged by it."""

from pathlib import Path

from tunekin_classifier.adapters.model_store import FollowedModel, ModelStore
from tunekin_cli import remote_reclassify
from tunekin_cli.context import Context
from tunekin_cli.servers import Servers
from tunekin_embedded.parts import Parts
from tunekin_embedded.progress import LoadProgress
from tunekin_embedded.reclassify import reclassify

__all__ = ["run", "run_remotely"]


def _progress(total: int) -> LoadProgress:
    return LoadProgress(total=total, doing="judging", unit="songs", nothing="every song was judged already")


def run(context: Context, model: Path | None) -> int:
    """Bring the catalogue of the home folder to a model.

    1. Put the model into the home's folder of models, unless it is in use already.
    2. Have every track judged by it that it has not judged.
    3. Use it from now on.
    4. Forget the moods of all models but it and the one before, which going back takes.

    Parameters
    ----------
    context : Context
        Folder and settings.
    model : pathlib.Path or None
        A model folder, such as `tunekin train` makes; the model in use unless it is given.

    Returns
    -------
    int
        Exit code: 0, or 1 where a track failed; then the model before stays in use.
    """
    with Parts(context.home, settings=context.settings) as parts:
        # Step 1
        latest, version = parts.models.latest, parts.model_version
        if model is not None:
            manifest = parts.store.install(model)
            version = manifest.version
            latest = FollowedModel(parts.store.path(version)).latest
            parts.writer.put_moods(version, manifest.moods)
        # Step 2
        total = parts.reader.count() - parts.reader.model_versions()[version]
        with _progress(total) as progress:
            for outcome in reclassify(parts, latest):
                progress.take(outcome)
        progress.print_report()
        if progress.count("failed"):
            return 1
        # Step 3
        before = parts.model_version
        if model is not None:
            parts.store.use(version)
        # Step 4
        if version != before:
            parts.writer.forget_moods(keep={version, before})
    return 0


def run_remotely(context: Context, model: Path | None) -> int:
    """Let the workers of a distributed Tunekin bring the catalogue to a model.

    1. Put the model into the folder that classifiers follow, and its moods into the catalogue.
    2. Have tracks judged by it from now on; clips still get the model before.
    3. Send every track that it has not judged through the tracks' lane, until none is left.
    4. Have clips judged by it, too. Rankers answer each clip by the moods of the model that judged it.
    5. Forget the moods of all models but it and the one before, which clips on their way and going back take.

    Parameters
    ----------
    context : Context
        Which folder classifiers follow.
    model : pathlib.Path or None
        A model folder; the version that is upcoming, else current, unless it is given.

    Returns
    -------
    int
        Exit code: 0, or 1 where a track failed; then clips stay with the model before.

    Raises
    ------
    SettingsError
        The folder that classifiers follow is a model itself.
    DependencyError
        A server is out of reach, or the classifiers do not follow.
    """
    servers = Servers.read()
    folder = context.settings.classifier.model
    store = ModelStore(folder)
    # Step 1
    if model is not None:
        manifest = store.install(model)
    else:
        manifest = FollowedModel(folder, pointers=("upcoming", "current")).latest().manifest
    version = manifest.version
    with servers.writer() as writer:
        writer.put_moods(version, manifest.moods)
    # Step 2
    if model is not None:
        store.announce(version)
    # Step 3
    with servers.reader() as reader:
        total = reader.count() - reader.model_versions()[version]
    with _progress(total) as progress:
        for outcome in remote_reclassify.reclassify(servers, model_version=version):
            progress.take(outcome)
    progress.print_report()
    if progress.count("failed"):
        return 1
    # Step 4
    if store.named("upcoming") != version:
        return 0
    before = FollowedModel(folder).latest().manifest.version
    store.use(version)
    # Step 5
    if version != before:
        with servers.writer() as writer:
            writer.forget_moods(keep={version, before})
    return 0
