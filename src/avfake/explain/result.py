"""An explanation as numbers: what `avfake explain` prints and writes as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avfake.explain.clip import Heat, SoundExplained
from avfake.explain.lines import Lines
from avfake.explain.regions import Region, grid_of, regions_of
from avfake.explain.time_line import Piece, curve_of, windows_of

FORMAT = 1
UNIT = "log-odds of fake"


def numbers(path: str | Path, model: dict[str, Any], sound: SoundExplained) -> dict[str, Any]:
    """The explanation of one clip, ready for JSON. Docs: docs/explain.md.

    Args:
        path: of the clip.
        model: model.json.
        sound: what made the score.
    """
    path = Path(path)
    return {
        "format": FORMAT,
        "video_name": path.name,
        "path": str(path),
        "score": round(sound.score, 6),
        "model": {"backbone": model["backbone"], "sha256": model["sha256"]},
        "sound": {
            "seconds": _seconds(sound.seconds),
            "heard": [_seconds(sound.line.edges[0]), _seconds(sound.line.edges[-1])],
            "windows": _windows(sound),
            "curve": _pieces(curve_of(sound.window_scores, sound.line)),
            "heat": None if sound.heat is None else _heat(sound, sound.heat),
            "lines": None if sound.lines is None else _lines(sound.lines),
        },
        "notes": [] if sound.why_no_heat is None else [f"no heat: {sound.why_no_heat}"],
    }


def summary(found: dict[str, Any]) -> list[str]:
    """The explanation in a few lines of text: the score, the highest window, the strongest regions."""
    windows = found["sound"]["windows"]
    highest = max(windows, key=lambda window: window["score"])
    lowest = min(windows, key=lambda window: window["score"])
    how = "by attention over" if "share" in windows[0] else "the mean of"
    lines = [f"score {found['score']:.6f}, {how} {len(windows)} windows"]
    for word, window in (("highest", highest), ("lowest", lowest)):
        lines.append(f"{word} {window['score']:.6f} from {window['begin']:.2f} to {window['end']:.2f} s")
    if found["sound"]["lines"] is not None:
        lines.append(lines_text(found["sound"]["lines"]))
    if found["sound"]["heat"] is not None:
        lines += [region_text(region) for region in found["sound"]["heat"]["regions"]]
    return lines + found["notes"]


def lines_text(lines: dict[str, Any]) -> str:
    """What lines at multiples of a frame rate add, as a line of text."""
    if lines["value"] is None:
        return "no lines at multiples of a known frame rate"
    found = f"lines at multiples of {lines['rate']:g} Hz, {lines['value']:.1f} standard deviations"
    return found if lines["log_odds"] is None else f"{found}: {lines['log_odds']:+.2f} log-odds of fake"


def region_text(region: dict[str, Any]) -> str:
    """A region as a line of text."""
    return (
        f"towards {region['towards']}: {region['begin']:.2f} to {region['end']:.2f} s, "
        f"{', '.join(span_text(band) for band in region['bands'])} ({region['share']:.0%} of that heat)"
    )


def span_text(band: dict[str, Any]) -> str:
    """A span of rows as `Axis.span` gives it, as text."""
    if "low_hz" in band:
        return f"{band['low_hz']:.0f} to {band['high_hz']:.0f} Hz"
    return f"{band['front_end']} {band['from']} to {band['to']}"


def _lines(lines: Lines) -> dict[str, float | None]:
    return {
        "rate": lines.rate,
        "value": None if lines.value is None else round(lines.value, 2),
        "log_odds": None if lines.log_odds is None else round(lines.log_odds, 4),
    }


def _windows(sound: SoundExplained) -> list[dict[str, float]]:
    """A piece per window, with `share` where attention says how much it counts."""
    pieces = _pieces(windows_of(sound.window_scores, sound.line))
    windows = [
        {**piece, "log_odds": round(float(odds), 4)}
        for piece, odds in zip(pieces, sound.window_log_odds, strict=True)
    ]
    if sound.window_shares is None:
        return windows
    shares = sound.window_shares.tolist()
    return [{**window, "share": round(share, 4)} for window, share in zip(windows, shares, strict=True)]


def _heat(sound: SoundExplained, heat: Heat) -> dict[str, Any]:
    edges = sound.line.edges
    grid = grid_of(heat.map, float(edges[-1] - edges[0]))
    n_rows = heat.map.shape[0]
    columns = sound.line.frames.shape[1]
    frame_seconds = float(edges[-1] - edges[0]) / sound.line.n_frames
    return {
        "unit": UNIT,
        "layer": heat.layer,
        "cell": {
            "rows": round(n_rows / heat.cells[0], 2),
            "seconds": _seconds(frame_seconds * columns / heat.cells[1]),
        },
        "regions": [_region(sound, region) for region in regions_of(heat.map)],
        "bands": [
            [axis.span(int(first), int(end)) for axis in sound.axes]
            for first, end in zip(grid.rows, grid.rows[1:], strict=False)
        ],
        "edges": [_seconds(edges[frame]) for frame in grid.frames],
        "values": [[round(float(value), 4) for value in row] for row in grid.values],
    }


def _region(sound: SoundExplained, region: Region) -> dict[str, Any]:
    return {
        "towards": region.towards,
        "begin": _seconds(sound.line.edges[region.frames[0]]),
        "end": _seconds(sound.line.edges[region.frames[1]]),
        "bands": [axis.span(*region.rows) for axis in sound.axes],
        "peak": round(region.peak, 4),
        "share": round(region.share, 4),
    }


def _pieces(pieces: Sequence[Piece]) -> list[dict[str, float]]:
    return [
        {"begin": _seconds(piece.begin), "end": _seconds(piece.end), "score": round(piece.score, 6)}
        for piece in pieces
    ]


def _seconds(value: float) -> float:
    return round(float(value), 3)
