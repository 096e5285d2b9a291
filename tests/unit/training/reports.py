"""A report as a run makes it, without a run."""

from tunekin.messages import Label
from tunekin_training.label import TRAITS, Entry
from tunekin_training.report import Curves, Judged, MoodReport, Place, Report

WORDS = Entry(
    where=dict.fromkeys((trait.name for trait in TRAITS), 0.0),
    label=Label(ko="노래 모음", en="Some <songs>"),
    description=Label(ko="소리.", en="Sound."),
)


def report() -> Report:
    """Two moods of two tracks each."""
    judged = Judged(confusion=((2, 0), (1, 1)), calibration=((1.0, 0.55, 0.0), (3.0, 0.9, 1.0)))
    return Report(
        tracks=60,
        artists=20,
        licences={"CC0": 50, "CC-BY-4.0": 10},
        cuts_per_track=8,
        felt_tracks=30,
        lens_felt=3,
        lens_borrowed=False,
        seed=7,
        epochs=9,
        divisions=3,
        metrics={"dnn_accuracy": 0.81234, "xgboost_accuracy": 0.85, "onnx_max_difference": 2.98e-7},
        inertias=(1.0, 0.2, 0.15, 0.1),
        elbow=2,
        stability=((1.0, 0.7), (0.7, 1.0)),
        judged={"dnn": judged, "xgboost": judged},
        curves=(Curves(loss=(1.0, 0.5), valid_loss=(1.1, 0.7), valid_accuracy=(0.5, 0.75)),) * 5,
        learning={"0.25": 0.6, "0.50": 0.7, "1.00": 0.8},
        moods=tuple(
            MoodReport(
                id=mood,
                words=WORDS,
                tracks=15,
                artists=4,
                largest_artist=0.4,
                largest_album=0.2,
                recall=0.5,
                typical=("a & b",),
            )
            for mood in range(2)
        ),
        places=tuple(Place(name=f"track <{i}>", x=0.1 * i, y=-0.2 * i, mood=i % 2, probability=0.75) for i in range(4)),
    )
