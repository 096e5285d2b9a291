"""What the figures of a training run are called, and mean."""

from tunekin_training.listen import CUT_S

__all__ = ["MEANING", "shown"]

_CUTS = f"{CUT_S:.0f} s cuts"
_CONDITIONS = {
    "clean": "",
    "noise20": " with white noise 20 dB below the music",
    "phone15": " through a telephone band (300 to 3,400 Hz), with noise 15 dB below the music",
    "reverb": " from a small loudspeaker across a room",
}
_ENDS = {"low": "lower end of its 95 % interval, over draws of artists", "high": "upper end of its 95 % interval"}
MEANING = {
    "dnn_accuracy": "whole tracks whose mood the network recognises",
    "dnn_macro_f1": "F1 of the network, mean over the moods",
    "dnn_loss": "log loss of the network (base e)",
    "dnn_calibration_error": "how far the network's certainty is from how often it is right",
    "xgboost_accuracy": "whole tracks whose mood XGBoost, the yardstick, recognises",
    "xgboost_macro_f1": "F1 of XGBoost",
    "xgboost_loss": "log loss of XGBoost",
    "xgboost_calibration_error": "how far XGBoost's certainty is from how often it is right",
    "largest_share": "for comparison: accuracy of always saying the largest mood",
    **{
        f"clip_mood_agreement_{name}": f"{_CUTS}{words} that get the mood that the network gives their whole track"
        for name, words in _CONDITIONS.items()
    },
    **{
        f"clip_accuracy_{name}": f"{_CUTS}{words} that get the mood that clustering gave their track"
        for name, words in _CONDITIONS.items()
    },
    **{
        f"clip_calibration_error_{name}": f"how far the network's certainty about {_CUTS}{words} is from the latter"
        for name, words in _CONDITIONS.items()
    },
    "mood_emotion_correlation": (
        "correlation of a track's emotions, as listeners felt them, with the mean of the mood that it gets; lens, "
        "moods and network made without its artist"
    ),
    **{
        f"{name}_{end}": f"{name}: {words}"
        for name in (
            "dnn_accuracy",
            "xgboost_accuracy",
            *(f"clip_mood_agreement_{condition}" for condition in _CONDITIONS),
            "mood_emotion_correlation",
        )
        for end, words in _ENDS.items()
    },
    "mood_emotion_correlation_random": "the same for moods that chance gives",
    "mood_emotion_correlation_mfcc": "the same for moods that K-means finds in mean MFCC",
    "mood_emotion_correlation_inside": (
        "the same with moods found on all tracks, which the lens was ground on too; the mean leaves out the artist"
    ),
    "mood_emotion_correlation_inside_random": "the same for random groups of the same sizes",
    "ari_seeds": "adjusted Rand index between the moods that different seeds find",
    "ari_without_maps": "the same with groups that K-means finds without t-SNE",
    "ari_without_lens": "the same with groups that K-means finds in the standardised summaries",
    "silhouette": "silhouette of the moods where they were looked for",
    "silhouette_without_maps": "silhouette of the groups that K-means finds there without t-SNE",
    "onnx_max_difference": "largest difference of a probability between ONNX Runtime and PyTorch",
}


def shown(name: str, value: float) -> str:
    """Write a figure down.

    Parameters
    ----------
    name : str
        The figure.
    value : float
        Its value.

    Returns
    -------
    str
        To three decimals, differences in powers of ten.

    Examples
    --------
    >>> shown("dnn_accuracy", 0.81234), shown("onnx_max_difference", 2.98e-7)
    ('0.812', '3.0e-07')
    """
    return f"{value:{'.1e' if name == 'onnx_max_difference' else '.3f'}}"
