"""The classifier: learns what there is to learn, is the same for the same seed, and the same again in ONNX."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.unit.training.corpora import corpus
from tunekin.features import FEATURES
from tunekin_training.boosting import fit_trees, predict_trees
from tunekin_training.corpus import Examples, examples
from tunekin_training.export import export
from tunekin_training.lens import fit_lens
from tunekin_training.network import MoodNetwork, fit, predict
from tunekin_training.space import mood_space

MUSIC = corpus()
MOODS = np.arange(90) % 3
SPACE = mood_space()
LENS = fit_lens(
    SPACE.points(MUSIC.summaries),
    cuts=SPACE.points(MUSIC.cuts.reshape(180, -1)).reshape(90, 2, -1),
    emotions=MUSIC.emotions,
)


def learnt(rows: range | np.ndarray = range(90)) -> Examples:
    shares = np.eye(3, dtype=np.float32)[MOODS]
    return examples(MUSIC, moods=MOODS, memberships=shares, rows=np.array(rows), class_weights=np.ones(3))


@pytest.fixture(scope="module")
def network() -> MoodNetwork:
    return fit(learnt(), space=SPACE, lens=LENS, moods=3, seed=0, epochs=20).network


def test_moods_that_can_be_told_apart_are(network):
    assert np.array_equal(predict(network, MUSIC.summaries).argmax(axis=1), MOODS)
    assert np.array_equal(predict(network, MUSIC.cuts[:, 0]).argmax(axis=1), MOODS)


def test_the_same_seed_gives_the_same_weights_whatever_chance_did_before():
    networks = []
    for before, seed in ((1, 5), (2, 5), (2, 6)):
        torch.manual_seed(before)
        networks.append(fit(learnt(), space=SPACE, lens=LENS, moods=3, seed=seed, epochs=2).network)
    once, again, other = (network.state_dict()["layers.0.weight"].numpy() for network in networks)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_learning_leaves_the_callers_chance_and_threads_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    fit(learnt(), space=SPACE, lens=LENS, moods=3, seed=0, epochs=1)
    assert torch.equal(torch.rand(4), expected)
    assert torch.get_num_threads() == threads


def test_learning_stops_when_it_no_longer_helps_and_keeps_the_best():
    train, valid = learnt(range(60)), learnt(range(60, 90))
    # Nothing that is learnt helps to guess moods that were shuffled.
    chance = np.random.default_rng(0)
    moods = chance.permutation(valid.moods)
    hopeless = Examples(
        summaries=valid.summaries,
        moods=moods,
        memberships=np.eye(3, dtype=np.float32)[moods],
        weights=valid.weights,
    )
    assert fit(train, space=SPACE, lens=LENS, moods=3, seed=0, valid=hopeless, epochs=100).epochs < 20
    stopped = fit(train, space=SPACE, lens=LENS, moods=3, seed=0, valid=valid, epochs=10)
    again = fit(train, space=SPACE, lens=LENS, moods=3, seed=0, epochs=stopped.epochs)
    assert stopped.curves.shape == (10, 3)
    assert len(again.curves) == 0
    for best, last in zip(stopped.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(best, last)


def test_an_example_without_weight_teaches_nothing():
    true = learnt()
    wrong = Examples(
        summaries=np.concatenate((true.summaries, true.summaries)),
        moods=np.concatenate((true.moods, (true.moods + 1) % 3)),
        memberships=np.concatenate((true.memberships, np.roll(true.memberships, 1, axis=1))),
        weights=np.concatenate((true.weights, np.zeros_like(true.weights))),
    )
    taught = fit(wrong, space=SPACE, lens=LENS, moods=3, seed=0, epochs=10).network
    assert np.array_equal(predict(taught, MUSIC.summaries).argmax(axis=1), MOODS)


def test_the_network_sees_what_the_lens_shows():
    seen = MoodNetwork(SPACE, LENS, moods=3)
    seen.layers = torch.nn.Identity()
    summaries = torch.from_numpy(MUSIC.cuts[:, 0])
    shown = LENS.show(SPACE.points(MUSIC.cuts[:, 0]))
    np.testing.assert_allclose(seen.logits(summaries).numpy(), shown, rtol=1e-3, atol=1e-3)


def test_what_never_varies_does_no_harm():
    silent = Examples(
        summaries=np.zeros((30, FEATURES.summary_size), np.float32),
        moods=MOODS[:30],
        memberships=np.eye(3, dtype=np.float32)[MOODS[:30]],
        weights=np.ones(30, np.float32),
    )
    probabilities = predict(fit(silent, space=SPACE, lens=LENS, moods=3, seed=0, epochs=2).network, MUSIC.summaries)
    assert np.isfinite(probabilities).all()


def test_a_network_learns_to_say_that_a_track_is_between_moods():
    between = learnt()
    shares = np.where(
        MOODS[:, np.newaxis] == 0, np.array([0.5, 0.5, 0], dtype=np.float32), np.eye(3, dtype=np.float32)[MOODS]
    )
    soft = Examples(
        summaries=between.summaries,
        moods=between.moods,
        memberships=np.concatenate((shares, np.repeat(shares, 2, axis=0))),
        weights=between.weights,
    )
    probabilities = predict(fit(soft, space=SPACE, lens=LENS, moods=3, seed=0, epochs=30).network, MUSIC.summaries)
    assert np.abs(probabilities[MOODS == 0, :2] - 0.5).max() < 0.2


def test_the_temperature_makes_a_network_less_sure_of_what_it_gets_wrong():
    train, valid = learnt(range(60)), learnt(range(60, 90))
    wrong = np.where(np.arange(len(valid.moods)) % 3 == 0, (valid.moods + 1) % 3, valid.moods)
    doubtful = Examples(
        summaries=valid.summaries,
        moods=wrong,
        memberships=np.eye(3, dtype=np.float32)[wrong],
        weights=valid.weights,
    )
    sober, sure = (
        fit(train, space=SPACE, lens=LENS, moods=3, seed=0, valid=watched, epochs=3).temperature
        for watched in (doubtful, valid)
    )
    assert sober > sure
    fixed = fit(train, space=SPACE, lens=LENS, moods=3, seed=0, epochs=1, temperature=2.0)
    assert fixed.temperature == 2


# --- the yardstick ---


def test_trees_learn_what_can_be_told_apart_and_are_the_same_for_the_same_seed():
    train, valid = learnt(range(60)), learnt(range(60, 90))
    once, again = (fit_trees(train, space=SPACE, lens=LENS, moods=3, seed=1, valid=valid) for _ in range(2))
    probabilities = predict_trees(once, MUSIC.summaries, space=SPACE, lens=LENS)
    assert np.array_equal(probabilities.argmax(axis=1), MOODS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(predict_trees(again, MUSIC.summaries, space=SPACE, lens=LENS), probabilities)


# --- ONNX ---


def test_onnx_runtime_computes_the_same_for_any_number_of_rows(network):
    exported = export(network, summaries=MUSIC.summaries)
    assert exported.max_difference < 1e-5
    session = onnxruntime.InferenceSession(exported.onnx, providers=["CPUExecutionProvider"])
    for count in (1, 7, 90):
        (probabilities,) = session.run(["probabilities"], {"summary": MUSIC.summaries[:count]})
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, predict(network, MUSIC.summaries[:count]), atol=1e-5)


def test_the_interface_of_the_file_is_what_the_classifier_expects(network):
    graph = onnx.load_from_string(export(network, summaries=MUSIC.summaries).onnx).graph
    for ports, name, size in ((graph.input, "summary", FEATURES.summary_size), (graph.output, "probabilities", 3)):
        (port,) = ports
        assert port.name == name
        assert port.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        rows, columns = port.type.tensor_type.shape.dim
        assert rows.dim_param == "n"
        assert columns.dim_value == size


def test_the_file_is_small_and_says_nothing_about_where_it_was_made(network):
    first, second = (export(network, summaries=MUSIC.summaries[:5]).onnx for _ in range(2))
    assert first == second
    assert len(first) < 200_000
    assert b".py" not in first
    assert b"tunekin_training" not in first


def test_an_export_that_computes_something_else_is_refused(network, monkeypatch):
    monkeypatch.setattr("tunekin_training.export.predict", lambda net, x: predict(net, x) + np.float32(1e-3))
    with pytest.raises(RuntimeError, match=r"differ by 0\.001"):
        export(network, summaries=MUSIC.summaries)
