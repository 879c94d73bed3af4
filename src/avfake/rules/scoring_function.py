"""Rule: the scoring function takes a path and returns a score from 0 to 1; the predictions came from it."""

import inspect
import math
from pathlib import Path

from avfake.dataset.predictions import FILES, format_score, read_predictions
from avfake.errors import UserError
from avfake.files import sha256_file
from avfake.rules.subject import FACTS, PREDICTIONS, Subject, of_models
from avfake.rules.trial import Trial
from avfake.rules.verdict import Case, Verdict

# Two numbers that were rounded to the sixth decimal may differ by one of its units.
_ROUNDING = 1.000001e-6


def judge(subject: Subject, trial: Trial) -> Verdict:
    """Judges the function's signature and what it returned for a real clip."""
    import avfake

    case = Case("scoring_function")
    required = [
        parameter.name
        for parameter in inspect.signature(avfake.score).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    if len(required) != 1:
        case.fault(f"avfake.score must be called with a path alone, it asks for: {', '.join(required)}")
    if trial.error or trial.clip is None:
        case.fault(trial.error)
        return case.verdict()
    score = trial.score
    if isinstance(score, bool) or not isinstance(score, float | int):
        case.fault(f"avfake.score returned a {type(score).__name__}, no number: {score!r:.80}")
        return case.verdict()
    if not math.isfinite(score) or not 0 <= score <= 1:
        case.fault(f"avfake.score returned {score!r}, a score lies from 0 to 1")
        return case.verdict()
    skipped = f"; {trial.unreadable} before it cannot be read" if trial.unreadable else ""
    case.found(f'avfake.score("{trial.clip}") = {format_score(score)}{skipped}')
    if trial.of_class != score:
        case.fault(
            f"avfake.score returned {score!r}, avfake.Scorer.score {trial.of_class!r} for the same clip"
        )
    _compare(case, subject, trial.clip, float(score))
    return case.verdict()


def _compare(case: Case, subject: Subject, clip: Path, score: float) -> None:
    """With the file of predictions, where that can be expected to be the same."""
    if subject.predict.tta != 1:
        case.found(
            f"not compared with {PREDICTIONS}: predict.tta is {subject.predict.tta}, the function's is 1"
        )
        return
    if not of_models(subject):
        case.found(f"not compared with {PREDICTIONS}: they were made with the model in models/")
        return
    known = subject.clips[
        subject.clips["split"].isin(["val", "test"]) & (subject.clips["video_name"] == clip.name)
    ]
    known = known[known["clip_sha256"] == sha256_file(clip)]
    for split in known["split"]:
        path = PREDICTIONS / FILES[split]
        try:
            table = read_predictions(path)
        except UserError as error:
            case.fault(error.message)
            return
        for predicted in table.loc[table["video_name"] == clip.name, "score"]:
            text = f"{format_score(predicted)} in {path}"
            if abs(predicted - float(format_score(score))) > _ROUNDING:
                case.fault(f"{clip.name}: {format_score(score)} by the function, {text}")
            else:
                case.found(f"{clip.name}: {text}")
            return
    case.found(f"{clip.name} is no clip of {FACTS} that has a prediction: its score was not compared")
