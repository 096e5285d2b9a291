import numpy as np
import pytest

from tests.component.catalogue.making import InWords, entry, frames_of, index_of
from tunekin.catalogue.database import reading
from tunekin.catalogue.models import TrackRow
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.features import frames_to_bytes
from tunekin.messages import Label


def test_frames_come_back_to_the_bit(reader, writer):
    ten_minutes = frames_of(6_460)
    odd = np.array([[0.0, -0.0, np.inf, -np.inf, 6e-8]], np.float16)
    writer.upsert([entry("long", frames=ten_minutes), entry("odd", frames=odd, n_mfcc=5)])
    rows, _ = index_of(reader)
    assert rows["long"].frames.dtype == np.float16
    assert rows["long"].frames.tobytes() == ten_minutes.tobytes()
    assert rows["odd"].frames.shape == (1, 5)
    assert rows["odd"].frames.tobytes() == odd.tobytes()


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_the_index_holds_every_track_once_in_batches_by_id(reader, writer, batch):
    writer.upsert([entry(track_id, artist=track_id * 2) for track_id in "caedb"])
    with reader.index_snapshot(feature_version="f1", model_version="m1", batch=batch) as snapshot:
        batches = list(snapshot.batches)
    assert (snapshot.count, snapshot.catalogue_version) == (5, 5)
    assert max(map(len, batches)) <= batch
    assert [row.track.artist for rows in batches for row in rows] == ["aa", "bb", "cc", "dd", "ee"]


def test_a_snapshot_knows_nothing_of_what_is_written_while_it_is_read(reader, writer):
    writer.upsert([entry("a"), entry("c")])
    with reader.index_snapshot(feature_version="f1", model_version="m1", batch=1) as snapshot:
        first = next(snapshot.batches)
        writer.upsert([entry("b"), entry("c", title="new")])
        writer.remove("a")
        rest = [row for rows in snapshot.batches for row in rows]
    assert snapshot.catalogue_version == 2
    assert [(row.track.track_id, row.track.title) for row in [*first, *rest]] == [("a", ""), ("c", "")]
    assert sorted(index_of(reader)[0]) == ["b", "c"]


def test_feature_versions_stand_beside_each_other(reader, writer):
    writer.upsert([entry("a", frames=frames_of(3)), entry("b")])
    writer.upsert([entry("a", feature_version="f2", frames=frames_of(4), summary=(9.0,))])
    old, new = index_of(reader)[0], index_of(reader, feature_version="f2")[0]
    assert (len(old["a"].frames), len(new["a"].frames)) == (3, 4)
    assert (sorted(old), sorted(new)) == (["a", "b"], ["a"])
    assert reader.summaries("f2", summary_size=1).matrix.tolist() == [[9.0]]


def test_other_sound_under_an_old_id_drops_what_other_versions_heard(reader, writer):
    writer.upsert([entry(content_sha256="1"), entry(content_sha256="1", feature_version="f2", model_version="m2")])
    writer.upsert([entry(content_sha256="2")])
    assert index_of(reader)[0]["t1"].mood == 1
    assert index_of(reader, feature_version="f2")[0] == {}
    assert index_of(reader, model_version="m2")[0]["t1"].mood is None


def test_the_mood_is_the_most_probable_one_and_unset_without_a_verdict(reader, writer):
    writer.upsert(
        [
            entry("a", probabilities=(0.1, 0.2, 0.7)),
            entry("b", probabilities=(0.4, 0.4, 0.2)),
            entry("c", probabilities=()),
            entry("d", model_version="m2"),
        ]
    )
    rows, _ = index_of(reader)
    assert {track_id: row.mood for track_id, row in rows.items()} == {"a": 2, "b": 0, "c": None, "d": None}


def test_rows_of_some_tracks_are_as_in_the_snapshot(reader, writer):
    writer.upsert([entry(track_id, frames=frames_of(4, seed=ord(track_id))) for track_id in "abc"])
    rows = reader.index_rows(["c", "a", "gone"], feature_version="f1", model_version="m1")
    whole, _ = index_of(reader)
    assert [row.track.track_id for row in rows] == ["a", "c"]
    for row in rows:
        same = whole[row.track.track_id]
        assert (row.track, row.mood, row.frames.tobytes()) == (same.track, same.mood, same.frames.tobytes())


def test_what_changed_is_told_by_the_time_of_its_last_update(engine, reader):
    now_s = [1.0]
    writer = CatalogueWriter(engine, clock=lambda: now_s[0])
    writer.upsert([entry("a"), entry("b"), entry("c", feature_version="f2")])
    now_s[0] = 2.5
    writer.upsert([entry("b")])
    version, updated_ms = reader.index_updates(feature_version="f1")
    assert (version, updated_ms) == (reader.version(), {"a": 1_000, "b": 2_500})
    rows = reader.index_rows(["a", "b"], feature_version="f1", model_version="m1")
    assert {row.track.track_id: row.updated_ms for row in rows} == updated_ms


def test_summaries_are_one_matrix_by_track_id(reader, writer):
    writer.upsert([entry("b", summary=(0.1, 2.0), artist="Y"), entry("a", summary=(3.0, 4.0), artist="X")])
    summaries = reader.summaries("f1", summary_size=2)
    assert (summaries.track_ids, summaries.artists) == (("a", "b"), ("X", "Y"))
    assert summaries.matrix.dtype == np.float32
    assert np.array_equal(summaries.matrix, np.array([[3.0, 4.0], [0.1, 2.0]], np.float32))


def test_summaries_of_another_length_are_named_and_left_out(reader, writer):
    writer.upsert([entry("c", summary=(1.0,)), entry("b", summary=(3.0, 4.0)), entry("a", summary=(1.0,) * 3)])
    writer.upsert([entry("d", feature_version="f2", summary=(1.0,))])
    assert reader.outdated("f1", summary_size=2) == ["a", "c"]
    assert reader.summaries("f1", summary_size=2).track_ids == ("b",)
    assert reader.summaries("f1", summary_size=557).matrix.shape == (0, 557)


def test_what_a_model_has_not_judged_is_read_with_its_features(reader, writer):
    frames = frames_of(9, seed=1)
    writer.upsert([entry(name, frames=frames, title=f"T {name}") for name in "edcba"])
    writer.upsert([entry("c", model_version="m2"), entry("f", feature_version="f0")])
    left = list(reader.unjudged(feature_version="f1", model_version="m2", batch=2))
    assert [(stored.track.track_id, stored.track.title) for stored in left] == [(name, f"T {name}") for name in "abde"]
    assert left[0].frames == frames_to_bytes(frames)
    assert left[0].summary == (1.0, 2.0, 3.0)
    assert list(reader.unjudged(feature_version="f1", model_version="m1")) == []


def test_tracks_that_are_judged_meanwhile_are_no_obstacle(reader, writer):
    writer.upsert([entry(name) for name in "abcd"])
    seen = []
    for stored in reader.unjudged(feature_version="f1", model_version="m2", batch=1):
        seen.append(stored.track.track_id)
        writer.upsert([entry(stored.track.track_id, model_version="m2")])
    assert seen == list("abcd")


def test_models_are_known_with_how_many_tracks_they_have_judged(reader, writer):
    assert reader.model_versions() == {}
    for version in ("m2", "m1"):
        writer.put_moods(version, [InWords(0, "가", "a"), InWords(1, "나", "b")])
    writer.upsert([entry("a"), entry("b")])
    assert list(reader.model_versions().items()) == [("m1", 2), ("m2", 0)]
    assert {name: row.tolist() for name, row in reader.probabilities("m1").items()} == {
        "a": [0.25, 0.75],
        "b": [0.25, 0.75],
    }
    assert reader.probabilities("m2") == {}


def test_the_most_typical_tracks_of_a_mood_come_first(reader, writer):
    shares = {"a": 0.6, "b": 0.9, "c": 0.6, "d": 0.3}
    writer.upsert([entry(track_id, probabilities=(1 - share, share)) for track_id, share in shares.items()])
    rows = reader.tracks_of_mood("m1", 1, limit=9)
    assert [row.track.track_id for row in rows] == ["b", "a", "c"]
    assert rows[0].probability == pytest.approx(0.9)
    assert [row.track.track_id for row in reader.tracks_of_mood("m1", 1, limit=1)] == ["b"]
    assert reader.tracks_of_mood("m1", 7, limit=9) == []


def test_moods_come_with_their_words_and_number_of_tracks(reader, writer):
    writer.put_moods("m1", [InWords(1, "신나는 🎉", "lively"), InWords(0, "잔잔한", "calm")])
    writer.put_moods("m2", [InWords(0, "다른", "other")])
    writer.upsert([entry("a"), entry("b"), entry("c", model_version="m2")])
    calm, lively = reader.moods("m1")
    assert (calm.id, calm.tracks, calm.label) == (0, 0, Label(ko="잔잔한", en="calm"))
    assert (lively.id, lively.tracks, lively.description) == (1, 2, Label(ko="신나는 🎉.", en="lively."))
    assert reader.moods("m9") == []


def test_moods_put_again_change_the_catalogue_only_where_they_differ(reader, writer):
    for _ in range(3):
        writer.put_moods("m1", [InWords(0, "가", "a"), InWords(1, "나", "b")])
    assert reader.version() == 1
    writer.put_moods("m1", [InWords(0, "가", "new")])
    assert reader.version() == 2
    assert [mood.label.en for mood in reader.moods("m1")] == ["new"]


def test_moods_of_models_that_nothing_is_answered_by_are_forgotten(reader, writer, monkeypatch):
    monkeypatch.setattr("tunekin.catalogue.writer._FORGOTTEN_AT_ONCE", 2)
    for version in ("m1", "m2", "m3"):
        writer.put_moods(version, [InWords(0, "가", "a"), InWords(1, "나", "b")])
        writer.upsert([entry(name, model_version=version) for name in "abc"])
    before = reader.version()
    assert writer.forget_moods(keep={"m3", "m2"}) == 3
    assert dict(reader.model_versions()) == {"m2": 3, "m3": 3}
    assert (reader.moods("m1"), reader.probabilities("m1")) == ([], {})
    assert len(reader.summaries("f1", summary_size=3).track_ids) == 3
    # No answer depends on them.
    assert reader.version() == before
    assert writer.forget_moods(keep={"m3", "m2"}) == 0


def test_not_all_moods_can_be_forgotten(writer):
    with pytest.raises(ValueError, match="must name the model in use"):
        writer.forget_moods(keep=set())


def test_the_times_of_adding_and_updating_are_kept(engine, writer):
    writer.upsert([entry("a")])
    writer.upsert([entry("a"), entry("b")])
    with reading(engine) as connection:
        table = TrackRow.__table__
        rows = connection.execute(table.select().order_by("track_id")).all()
    assert [(row.added_ms, row.updated_ms) for row in rows] == [(1_000_000, 1_001_000), (1_001_000, 1_001_000)]
