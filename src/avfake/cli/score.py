"""`avfake score`: the probability that clips are fake."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfake.cli.clip_paths import NamedClip, clips_of
from avfake.cli.explained import explained
from avfake.errors import UserError

if TYPE_CHECKING:
    from avfake.decoding.client import Decoder
    from avfake.result import NotScored, Result
    from avfake.scoring import Scorer

SOME_UNREADABLE = 3
INTERRUPTED = 130

Show = Callable[[NamedClip, "Result | NotScored"], None]


@explained
def score(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Clips, sound files, images, folders, quoted patterns; - for a list on standard input.",
        ),
    ],
    model: Annotated[Path, typer.Option("--model", "-m", metavar="DIR", help="Folder of the model.")] = Path(
        "models"
    ),
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a prediction file: video_name,score.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line, with all that is known.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Folders stand for their media files at any depth.")
    ] = False,
    nul: Annotated[
        bool, typer.Option("--null", "-0", help="Paths on standard input end with a NUL byte, not a line.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option("--jobs", "-j", min=0, help="Clips read at once; 0: one per core."),
    ] = 1,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where the model runs.")] = "auto",
    backend: Annotated[
        str, typer.Option(metavar="torch|onnx", help="What runs the model; onnx: after `avfake export`.")
    ] = "torch",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the model; not given: as in training.")
    ] = None,
    caged: Annotated[
        bool, typer.Option(help="Read each clip in a process of its own that can do nothing else.")
    ] = sys.platform == "linux",
    memory_megabytes: Annotated[
        int, typer.Option(min=1, help="What reading a clip may take, in its process.")
    ] = 4096,
    wall_seconds: Annotated[
        float, typer.Option(min=0.001, help="What reading a clip may take, in its process.")
    ] = 600.0,
) -> None:
    """Scores clips: the probability that each is fake.

    A folder stands for the media files directly in it, by name. Results come in the order of the arguments,
    each as soon as it is there; the number of processes changes no figure. A clip that takes too much, or on
    which a decoder crashes, costs itself alone; with --no-caged and one job it would end the command. Why a
    clip could not be scored goes to standard error; with --csv it gets the share of fakes in training as
    score, so that no row is missing, with --json `score` is null and `error` says why. Where the model's
    folder holds decision.json, the table has the label at the model's threshold and the calibrated
    probability of fake too; what makes a score doubtful goes to standard error, with --json into `warnings`.

    Exit code 0: all were scored, 3: some were not, 2: wrong usage, 130: interrupted.
    """
    if as_csv and as_json:
        raise UserError("--csv and --json exclude each other", "choose one")
    clips = clips_of(paths, recursive, nul)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names that are no UTF-8
    from avfake.result import NotScored
    from avfake.scoring import Scorer
    from avfake.stages._run import fail

    n_done = n_unscored = 0
    try:
        with ExitStack() as stack:
            # Before the model is loaded: it comes up meanwhile.
            decoder = stack.enter_context(_cage(memory_megabytes, wall_seconds)) if caged else None
            scorer = Scorer(model, device, backend, threads)
            show = _csv(scorer, clips) if as_csv else _json() if as_json else _table(scorer)
            names = [clip.name for clip in clips]
            every = scorer.judge_all([clip.path for clip in clips], jobs, names, decoder)
            judged = stack.enter_context(closing(every))
            for clip, result in zip(clips, judged, strict=True):
                if isinstance(result, NotScored):
                    n_unscored += 1
                    _say(f"not scored: {clip.path}: {result.reason}", err=True)
                show(clip, result)
                n_done += 1
    except KeyboardInterrupt:
        fail(f"interrupted after {n_done} of {len(clips)} clips", "", INTERRUPTED)
    if n_unscored:
        raise typer.Exit(SOME_UNREADABLE)


@contextmanager
def _cage(megabytes: int, seconds: float) -> Iterator["Decoder"]:
    from avfake.decoding import cage
    from avfake.decoding.client import Decoder
    from avfake.decoding.limits import Limits

    missing = [name for name, offered in cage.measures().items() if not offered]
    if missing:
        _say(
            f"this system has no {' and no '.join(missing)}: clips are read with resource limits alone", True
        )
    limits = Limits(memory_bytes=megabytes * 2**20, wall_seconds=seconds, cpu_seconds=2 * math.ceil(seconds))
    with Decoder(limits) as decoder:
        yield decoder


def _say(text: str, err: bool = False) -> None:
    """A line to a standard stream, above the progress bar where one is shown."""
    from tqdm import tqdm

    with tqdm.external_write_mode(sys.stderr if err else sys.stdout):
        typer.echo(text, err=err)


def _csv(scorer: "Scorer", clips: list[NamedClip]) -> Show:
    from avfake.dataset.layout import IMAGE_NAME, IMAGE_SUFFIXES, VIDEO_NAME
    from avfake.dataset.predictions import format_score
    from avfake.result import Result

    def line(*fields: str) -> None:
        from tqdm import tqdm

        with tqdm.external_write_mode(sys.stdout):
            csv.writer(sys.stdout, lineterminator="\n").writerow(fields)
            sys.stdout.flush()

    def show(clip: NamedClip, result: "Result | NotScored") -> None:
        line(clip.name, format_score(result.score if isinstance(result, Result) else scorer.prior))

    images = bool(clips) and all(clip.name.lower().endswith(IMAGE_SUFFIXES) for clip in clips)
    line(IMAGE_NAME if images else VIDEO_NAME, "score")
    return show


def _json() -> Show:
    from avfake.result import Result

    def show(clip: NamedClip, result: "Result | NotScored") -> None:
        facts: dict[str, object] = {"video_name": clip.name, "path": str(clip.path)}
        if isinstance(result, Result):
            facts |= result.to_json()
        else:
            facts |= {"score": None, "error": result.reason}
        _say(json.dumps(facts, allow_nan=False))

    return show


def _table(scorer: "Scorer") -> Show:
    from avfake.dataset.predictions import format_score
    from avfake.result import Result

    decided = scorer.decision is not None

    def row(score: str, label: str, probability: str, clip: object) -> None:
        means = f"  {label:5}  {probability:>11}" if decided else ""
        _say(f"{score:>8}{means}  {clip}")

    def show(clip: NamedClip, result: "Result | NotScored") -> None:
        if not isinstance(result, Result):
            row("-", "-", "-", clip.path)
            return
        known = "-" if result.probability is None else format_score(result.probability)
        row(format_score(result.score), result.label or "-", known, clip.path)
        for warning in result.warnings:
            _say(f"warning: {clip.path}: {warning}", err=True)

    row("score", "label", "probability", "clip")
    return show
