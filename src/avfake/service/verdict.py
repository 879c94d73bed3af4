"""A result in words, with how far it can be trusted."""

from avfake.result import Result

# Where the probability is said to be close to even: as far from one half as this.
_UNSURE = 0.15
_RARE = 1e-3


def verdict(result: Result) -> str:
    """What the model takes the clip for, as a sentence."""
    if result.label is None:
        return f"The score is {result.score:.2f}, from 0 (real) to 1 (fake)."
    probability = result.probability
    if probability is not None and abs(probability - 0.5) < _UNSURE:
        return f"Undecided: this clip may be {_other(result.label)} as well as {result.label}."
    return f"This clip is probably {result.label}."


def uncertainty(result: Result) -> str:
    """How sure that is, as sentences."""
    sentences = []
    if result.probability is not None:
        sentences.append(f"The model's probability of fake is {_percent(result.probability)}.")
    if result.expected_fpr is not None:
        share = "Fewer than 1 in 1000" if result.expected_fpr < _RARE else _percent(result.expected_fpr)
        sentences.append(f"{share} of real clips in validation had a score at least as high.")
    if result.label is None:
        sentences.append("This model has no threshold, so the score is given without a verdict.")
    sentences.append("A clip forged by means that the model never met can have any score.")
    return " ".join(sentences)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else f"{100 * share:.1f} %"


def _other(label: str) -> str:
    return "real" if label == "fake" else "fake"
