"""`avfake export`: the detector as ONNX, for scoring on a CPU without torch."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from avfake.cli.explained import ParamsFile, explained


@explained
def export(
    clips: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[CLIP...]", help="Compare with torch on these clips. Default: clips of validation."
        ),
    ] = None,
    model: Annotated[Path, typer.Option("--model", "-m", metavar="DIR", help="Folder of the model.")] = Path(
        "models"
    ),
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write. Default: beside the weights.")
    ] = None,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Convolutions in eight bits, if the AUC on validation allows it."),
    ] = False,
    n_clips: Annotated[
        int, typer.Option("--clips", metavar="N", min=1, help="Clips of validation to compare on.")
    ] = 100,
    params: ParamsFile = Path("params.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Writes the detector as model.onnx, with model_onnx.json, which says how it was checked.

    onnxruntime and torch are asked about the same real windows, one at a time and 32 at a time. Where their
    log-odds differ by more than 0.0001 nothing is written. With --int8 all of validation is scored in both
    ways, and nothing is written where the AUC in eight bits is outside the interval of the AUC in float32;
    its scores are not those of torch.

    `avfake.Scorer(backend="onnx")` uses it. Exit code 0: written, 1: not good enough, 2: nothing to export.
    """
    from avfake.export.run import export as make

    done = make(model, out or model, clips or [], n_clips, int8, params)
    if as_json:
        told = {"path": str(done.model)} | {
            name: done.record[name] for name in done.record if name != "model"
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in _lines(done.model, done.record):
        typer.echo(line)


def _lines(path: Path, record: dict[str, Any]) -> list[str]:
    check, figures = record["check"], record["quantisation"]
    apart = ", ".join(f"{value:.1e} at batches of {size}" for size, value in check["log_odds"].items())
    float32 = "float32 against torch" if figures else "against torch"
    lines = [
        f"written: {path}: {record['precision']}, {record['bytes'] / 2**20:.1f} MiB, opset {record['opset']},"
        f" SHA-256 {record['sha256'][:12]}",
        f"{float32} on {check['clips']} clips ({check['parts']} windows, faces or pairs): log-odds differ by"
        f" at most {apart} (allowed: {check['allowed']:g}), scores by {check['score']:.1e}",
    ]
    if figures:
        lines.append(
            f"int8 on {figures['clips']} clips of validation: AUC {figures['auc_int8']:.4f}, float32"
            f" {figures['auc']:.4f} ({figures['auc_low']:.4f} to {figures['auc_high']:.4f}); scores differ by"
            f" up to {figures['largest_score_difference']:.3f}"
        )
    return lines
