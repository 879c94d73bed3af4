"""`avfake forge`: the tools that make extra training clips, what the recipes would make, one clip by hand."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avfake.cli.explained import ParamsFile, explained
from avfake.errors import RunError, UserError

if TYPE_CHECKING:
    from avfake.forge.declared import DeclaredTool

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    help="The tools that make extra training clips, and what the recipes of params.yaml would make.",
    no_args_is_help=True,
)


@app.command("tools")
@explained
def forge_tools(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show all that this tool declares.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lists the tools that `augment.recipes` may name.

    Label `keeps`: the derived clip is as real or fake as its source; `fake`: it becomes a forgery, and the
    tool's name its generator. A clip that has not what a tool needs is skipped, by name. With a NAME:
    version, licence, origin, every parameter with its range, and an example.
    """
    from avfake.forge.listing import declaration, tool_page, tools_table
    from avfake.forge.registry import TOOLS, tool_named

    if name is not None:
        tool = tool_named(name, "avfake forge tools")
        _say(_json(declaration(tool)) if as_json else tool_page(tool))
    elif as_json:
        _say(_json([declaration(tool) for tool in TOOLS.values()]))
    else:
        _say(tools_table(TOOLS.values()))


@app.command("plan")
@explained
def forge_plan(
    timed: Annotated[
        bool, typer.Option("--time", help="Make up to three clips per recipe to see how long it takes.")
    ] = False,
    as_json: AsJson = False,
    path: ParamsFile = Path("params.yaml"),
) -> None:
    """Says what `dvc repro augment` would make: how many clips, how large, how long it would take.

    Reads the labels under data.root and hashes the clips that are to be used, to see which derived clips are
    in the memo already. Nothing is written but the memo, and that with --time alone. Sizes and times are
    estimates.

    Exit code 2: a recipe is wrong, and `dvc repro augment` would say the same.
    """
    from avfake.dataset.root import load_root
    from avfake.forge.dry_run import forecast
    from avfake.forge.listing import forecast_json, forecast_table
    from avfake.forge.plan import plan
    from avfake.parallel import n_workers
    from avfake.params import AugmentParams, DataParams, MemoParams, ParallelParams, load

    params, workers = load(AugmentParams, path), n_workers(load(ParallelParams, path).workers)
    jobs = plan(load_root(load(DataParams, path)), params)
    forecasts = forecast(jobs, params, load(MemoParams, path), workers, timed)
    if as_json:
        _say(_json(forecast_json(forecasts, workers)))
    elif not params.recipes:
        typer.echo(
            f"{path}: augment.recipes is empty: no derived clips. `avfake forge tools` lists the tools"
        )
    else:
        typer.echo(forecast_table(forecasts, workers))


@app.command("apply")
@explained
def forge_apply(
    tool_name: Annotated[str, typer.Argument(metavar="TOOL", help="As `avfake forge tools` lists it.")],
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="The clip to work on; it is not changed.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .mp4 (or image) to write.")],
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", metavar="KEY=VALUE", help="One parameter, its value as JSON; may be repeated."
        ),
    ] = None,
    all_params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="All parameters, as one JSON object.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Of what the tool draws.")] = 0,
    partner: Annotated[
        Path | None, typer.Option(metavar="CLIP", help="The second clip, for tools that need one.")
    ] = None,
) -> None:
    """Works on one clip with one tool, to see and hear what it does.

    Parameters that are not given are those of the tool's example. The same clip, parameters and seed give the
    same bytes; a `seed` of the manifest gives the clip that stands there.
    """
    from avfake.files import atomic_write_bytes
    from avfake.forge.make import derive
    from avfake.forge.plan import params_json
    from avfake.forge.registry import check_packages, check_params, tool_named
    from avfake.media.errors import ClipError

    where = "avfake forge apply"
    tool = tool_named(tool_name, where)
    params = check_params(tool, _given(tool, param or [], all_params), where)
    check_packages(tool, where)
    _check_files(tool, clip, partner, out)
    try:
        data = derive(clip, tool, params, seed, partner)
    except ClipError as error:
        beside = f" with {partner}" if partner else ""
        raise RunError(f"{tool.name} on {clip}{beside}: {error.reason}", "try another clip") from None
    atomic_write_bytes(out, data)
    used = params_json(params.model_dump(mode="json"))
    typer.echo(f"written: {out}: {tool.name} {tool.version}, {used}, seed {seed}")


def _given(tool: "DeclaredTool", pairs: list[str], all_params: str | None) -> dict[str, Any]:
    """The parameters that were given, over those of the tool's example."""
    if all_params is not None and pairs:
        raise UserError("--param and --params were both given", "use one of them")
    if all_params is not None:
        try:
            given = json.loads(all_params)
        except json.JSONDecodeError as error:
            raise UserError(f"--params: not valid JSON: {error}", f"for example {_example(tool)}") from None
        if not isinstance(given, dict):
            raise UserError("--params: not a JSON object", f"for example {_example(tool)}")
        return given
    params = dict(tool.example)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"--param {pair}: no `=`", "write it as KEY=VALUE, such as strength=0.5")
        try:
            params[key] = json.loads(value)
        except json.JSONDecodeError:
            params[key] = value
    return params


def _example(tool: "DeclaredTool") -> str:
    return f"--params '{json.dumps(tool.example)}'"


def _check_files(tool: "DeclaredTool", clip: Path, partner: Path | None, out: Path) -> None:
    """Raises UserError for a clip that is not there and a file that cannot be written, before any work."""
    from avfake.dataset.layout import IMAGE_SUFFIXES
    from avfake.media.image import is_image

    if tool.needs_partner and partner is None:
        raise UserError(f"{tool.name} needs a second clip", "name one with --partner")
    if partner is not None and not tool.needs_partner:
        raise UserError(f"{tool.name} takes no second clip", "leave --partner out")
    for path in (clip, partner):
        if path is not None and not path.is_file():
            raise UserError(f"{path}: no such file", "name a clip")
    suffixes = IMAGE_SUFFIXES if is_image(clip) else (".mp4",)
    if out.suffix.lower() not in suffixes:
        what = "still images are written as such" if is_image(clip) else "clips are written as .mp4"
        raise UserError(f"--out {out}: {what}", f"give a name that ends with {' or '.join(suffixes)}")
    if out.exists() and any(out.samefile(path) for path in (clip, partner) if path is not None):
        raise UserError(f"--out {out}: this is the clip that is read", "give another name")
    folder = out.resolve().parent
    while not folder.exists():
        folder = folder.parent
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(
            f"--out {out}: no file can be written there", "name a file in a folder that you may write to"
        )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def _say(text: str) -> None:
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal without UTF-8
    typer.echo(text)
