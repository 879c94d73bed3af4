"""All rules on one model."""

from collections.abc import Iterator
from pathlib import Path

from avfake.rules import (
    container,
    engine,
    external_data,
    extra_samples,
    one_model,
    parameters,
    pretraining,
    scoring_function,
    validation,
)
from avfake.rules.subject import Subject
from avfake.rules.trial import score_a_clip
from avfake.rules.verdict import Verdict


def judge(subject: Subject, clip: Path | None = None, build: bool = False) -> Iterator[Verdict]:
    """The verdicts, in the order of `avfake.rules.verdict.TITLES`.

    Args:
        subject: what is judged.
        clip: the clip that is scored; None: the first of validation that can be read.
        build: build the container and run it.
    """
    trial = score_a_clip(subject, clip)
    yield one_model.judge(subject, trial)
    yield parameters.judge(subject)
    yield pretraining.judge(subject)
    yield validation.judge(subject)
    yield external_data.judge(subject)
    yield extra_samples.judge(subject)
    yield scoring_function.judge(subject, trial)
    yield container.judge(subject)
    yield engine.judge(trial, build)
