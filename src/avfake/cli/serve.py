"""`avfake serve`: scores over HTTP, and a page."""

from pathlib import Path
from typing import Annotated

import typer

from avfake.cli.explained import explained
from avfake.errors import UserError

MEGABYTE = 2**20


def _option(flag: str, text: str, metavar: str | None = None) -> object:
    variable = f"AVFAKE_{flag.removeprefix('--').upper().replace('-', '_')}"
    return typer.Option(flag, envvar=variable, help=text, metavar=metavar)


@explained
def serve(
    model: Annotated[Path, _option("--model", "Folder of the model.", "DIR")] = Path("models"),
    device: Annotated[str, _option("--device", "Where the model runs.", "auto|cpu|cuda")] = "auto",
    backend: Annotated[str, _option("--backend", "What runs the model.", "torch|onnx")] = "torch",
    threads: Annotated[
        int | None, _option("--threads", "Of the model; as it was trained with if left out.")
    ] = None,
    host: Annotated[str, _option("--host", "Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, _option("--port", "Port to listen at.")] = 8000,
    state: Annotated[
        Path, _option("--state", "Folder of the service's own, for jobs and their uploads.", "DIR")
    ] = Path(".avfake"),
    clips: Annotated[
        Path | None, _option("--clips", "Folder whose clips requests may name by path.", "DIR")
    ] = None,
    database: Annotated[
        str | None, _option("--database", "URL of the job database; SQLite in --state if left out.", "URL")
    ] = None,
    instance: Annotated[str, _option("--instance", "Name among services that share a database.")] = "main",
    tokens: Annotated[
        Path | None,
        _option("--tokens", "File of bearer tokens, one per line; without it all may ask.", "FILE"),
    ] = None,
    capacity: Annotated[int, _option("--capacity", "Requests taken at once; more are answered 503.")] = 64,
    jobs: Annotated[int, _option("--jobs", "Clips read at once; 0: one per core.")] = 0,
    max_megabytes: Annotated[int, _option("--max-megabytes", "Size of a clip.")] = 64,
    max_seconds: Annotated[float, _option("--max-seconds", "Declared length of a clip.")] = 900.0,
    memory_megabytes: Annotated[int, _option("--memory-megabytes", "What reading a clip may take.")] = 1024,
    cpu_seconds: Annotated[int, _option("--cpu-seconds", "What reading a clip may take.")] = 20,
    wall_seconds: Annotated[float, _option("--wall-seconds", "What reading a clip may take.")] = 40.0,
    keep_hours: Annotated[float, _option("--keep-hours", "How long finished jobs are kept.")] = 24.0,
    stop_seconds: Annotated[
        float, _option("--stop-seconds", "How long requests under way may take after SIGTERM.")
    ] = 60.0,
) -> None:
    """Serves scores over HTTP and a page to drop clips on. Needs the extra `serve`.

    Every option is also a variable of the environment: --max-seconds is AVFAKE_MAX_SECONDS. SIGTERM or an
    interrupt stops it: what was taken is finished, jobs that wait go on at the next start. Exit code 0.
    """
    try:
        from avfake.scoring import Scorer
        from avfake.service.serve import serve as run
        from avfake.service.settings import Settings, usable_cores
    except ModuleNotFoundError as error:
        raise UserError(
            f"`avfake serve` needs {error.name}, which is not installed", "install the extra: `avfake[serve]`"
        ) from None
    from pydantic import ValidationError

    from avfake.decoding.limits import Limits

    if clips is not None and not clips.is_dir():
        raise UserError(f"{clips}: no such folder", "correct --clips")
    try:
        settings = Settings(
            state=state,
            clips=clips,
            database=database,
            instance=instance,
            capacity=capacity,
            decoders=jobs or usable_cores(),
            limits=Limits(
                max_bytes=max_megabytes * MEGABYTE,
                max_seconds=max_seconds,
                memory_bytes=memory_megabytes * MEGABYTE,
                cpu_seconds=cpu_seconds,
                wall_seconds=wall_seconds,
            ),
            keep_hours=keep_hours,
            tokens=_tokens(tokens),
        )
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)[0]
        raise UserError(f"{'.'.join(map(str, found['loc']))}: {found['msg']}", "correct the option") from None
    scorer = Scorer(model, device, backend, threads)
    _ = scorer.decision  # a damaged one is told now, not with the first clip
    run(settings, scorer, host, port, stop_seconds)


def _tokens(path: Path | None) -> tuple[str, ...]:
    """The lines of the file; empty ones and those that begin with # are left out."""
    if path is None:
        return ()
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read: {error}", "give a text file with a token per line"
        ) from None
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise UserError(f"{path}: no token in it", "write one per line, or leave --tokens out")
    return found
