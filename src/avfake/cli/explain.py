"""`avfake explain`: which seconds and which bands made a clip's score."""

import json
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avfake.cli.explained import ParamsFile, explained
from avfake.cli.score import SOME_UNREADABLE
from avfake.errors import UserError

if TYPE_CHECKING:
    from avfake.explain.worst import Worst
    from avfake.scoring import Scorer

OUT = Path("explained")


class Split(StrEnum):
    """The splits whose scores are in data/predictions."""

    VAL = "val"
    TEST = "test"


@explained
def explain(
    clips: Annotated[list[Path] | None, typer.Argument(metavar="CLIP", help="Clips to explain.")] = None,
    worst: Annotated[
        int | None,
        typer.Option(
            "--worst",
            min=1,
            metavar="N",
            help="Instead: the N worst false accepts and false alarms of the pipeline's predictions.",
        ),
    ] = None,
    split: Annotated[Split, typer.Option("--split", help="Of --worst.")] = Split.VAL,
    model: Annotated[Path, typer.Option("--model", "-m", metavar="DIR", help="Folder of the model.")] = Path(
        "models"
    ),
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where pictures and numbers are written.")
    ] = OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where the model runs.")] = "auto",
    params_file: ParamsFile = Path("params.yaml"),
) -> None:
    """Explains scores: which seconds and which bands of a clip made its score.

    Writes CLIP.png and CLIP.json to --out: the score of every window and along the clip, and what speaks for
    fake and for real in the spectrogram (Grad-CAM). The clip's score is that of `avfake score`.

    With --worst, run in the project's folder, the clips are those that the last `dvc repro` got most wrong in
    validation, and worst_val.html shows them with their numbers; the test is read with --split test alone.

    Why a clip could not be read goes to standard error. Exit code 0: all were explained, 3: some were not.
    """
    if bool(clips) == (worst is not None):
        raise UserError("nothing to explain, or two things at once", "name clips, or give --worst N")
    if worst is None and split is not Split.VAL:
        raise UserError("--split goes with --worst", "leave it out: a clip that is named needs no split")
    for path in clips or ():
        if not path.is_file():
            raise UserError(f"{path}: no such file", "name clips one by one; a folder is none")
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names that are no UTF-8
    from avfake.scoring import Scorer

    chosen = None if worst is None else _worst(split, worst, params_file)
    paths = list(clips or ()) if chosen is None else [clip.path for clip in chosen.clips]
    _check_names(paths)
    scorer = Scorer(model, device)
    _make(out)
    made = [_one(scorer, path, out, as_json, chosen) for path in paths]
    if chosen is not None:
        from avfake.explain.page import Item, render
        from avfake.files import atomic_write_text

        items = [Item(wrong, *parts) for wrong, parts in zip(chosen.clips, made, strict=True)]
        page = out / f"worst_{chosen.split}.html"
        atomic_write_text(page, render(chosen, items))
        if not as_json:
            typer.echo(f"written: {page}")
    if any(error is not None for _, _, error in made):
        raise typer.Exit(SOME_UNREADABLE)


def _one(
    scorer: "Scorer", path: Path, out: Path, as_json: bool, chosen: "Worst | None"
) -> tuple[dict[str, Any] | None, bytes | None, str | None]:
    """Explains, writes and prints one clip: its numbers and picture, or why there are none."""
    from avfake.explain.clip import explain as explain_clip
    from avfake.explain.face_picture import draw_explained
    from avfake.explain.face_result import numbers_explained, summary_explained
    from avfake.explain.faces import Explained, explain_streams
    from avfake.explain.result import numbers
    from avfake.files import atomic_write_bytes, atomic_write_text
    from avfake.inspection.text import shown
    from avfake.media.errors import ClipError

    try:
        if scorer.model.sight is None:
            sound = explain_clip(scorer, path)
            made = Explained(sound.score, sound, None)
        else:
            made = explain_streams(scorer, path)
    except ClipError as error:
        typer.echo(f"not explained: {path}: {error.reason}", err=True)
        if as_json:
            typer.echo(
                json.dumps({"video_name": path.name, "path": str(path), "score": None, "error": error.reason})
            )
        return None, None, error.reason
    facts = scorer.model.facts
    if scorer.model.sight is None and made.sound is not None:
        found = numbers(path, facts, made.sound)
    else:
        found = numbers_explained(path, facts, made)
    picture = draw_explained(made, None if chosen is None else chosen.threshold)
    # ASCII: a name that is no UTF-8 can be written too
    atomic_write_text(out / f"{path.name}.json", json.dumps(found, indent=2, allow_nan=False) + "\n")
    atomic_write_bytes(out / f"{path.name}.png", picture)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        lines = [*summary_explained(found), f"written: {out / path.name}.png, .json"]
        typer.echo("\n  ".join([shown(str(path)), *map(shown, lines)]))
    return found, picture, None


def _worst(split: Split, n: int, params_file: Path) -> "Worst":
    from avfake.explain.worst import worst
    from avfake.params import DataParams, EvaluateParams, load

    root = Path(load(DataParams, params_file).root)
    return worst(root, split.value, n, load(EvaluateParams, params_file))


def _make(out: Path) -> None:
    """The folder for the results. Raises UserError if there can be none, before anything is computed."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{out}: no folder can be made there: {error.strerror}", "name another folder with --out"
        ) from None


def _check_names(paths: list[Path]) -> None:
    """Raises UserError if the files of two clips would have the same name."""
    counts = Counter(path.name for path in paths)
    doubled = sorted(name for name, count in counts.items() if count > 1)
    if doubled:
        raise UserError(
            f"two clips are called {doubled[0]}: their pictures would have one name",
            "explain them one by one, each with an --out of its own",
        )
