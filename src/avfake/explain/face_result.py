"""The explanation of a clip's faces as numbers, and in a few lines of text."""

from pathlib import Path
from typing import Any

import numpy as np

from avfake.explain.faces import Explained, FaceHeat, PictureExplained
from avfake.explain.regions import regions_of
from avfake.explain.result import FORMAT, UNIT, numbers, summary

_PLACES = (("upper", "middle", "lower"), ("left", "middle", "right"))


def numbers_explained(path: str | Path, model: dict[str, Any], explained: Explained) -> dict[str, Any]:
    """The explanation of one clip, ready for JSON; `sound` or `picture` is null where there is none."""
    path = Path(path)
    if explained.sound is not None:
        found = numbers(path, model, explained.sound)
    else:
        found = {
            "format": FORMAT,
            "video_name": path.name,
            "path": str(path),
            "score": round(explained.score, 6),
            "model": {"backbone": model["backbone"], "sha256": model["sha256"]},
            "sound": None,
            "notes": [],
        }
    notes = found.pop("notes")
    picture = explained.picture
    found["picture"] = None if picture is None else _picture(picture)
    if picture is not None and picture.why_no_heat is not None:
        notes = [*notes, f"no heat of the faces: {picture.why_no_heat}"]
    return found | {"notes": notes}


def summary_explained(found: dict[str, Any]) -> list[str]:
    """The explanation in a few lines: the score, the sound where there is any, the faces."""
    lines = [f"score {found['score']:.6f}"] if found["sound"] is None else summary(found | {"notes": []})
    if found["sound"] is not None and found.get("picture") is not None:
        lines[0] = f"score {found['score']:.6f}, the mean over pairs of a window and a face"
    for face in [] if found.get("picture") is None else found["picture"]["faces"]:
        lines.append(f"face at {face['time']:.2f} s: {face['score']:.6f}")
        lines += [f"  {part_text(part)}" for part in face["regions"]]
    return lines + found["notes"]


def part_text(part: dict[str, Any]) -> str:
    """A region of a face as a line of text."""
    return f"towards {part['towards']}: {part['where']} ({part['share']:.0%} of that heat)"


def _picture(picture: PictureExplained) -> dict[str, Any]:
    heat = picture.heat
    return {
        "unit": UNIT,
        "layer": None if heat is None else heat.layer,
        "faces": [
            {
                "time": round(float(picture.times[number]), 3),
                "score": round(float(picture.face_scores[number]), 6),
                "log_odds": round(float(picture.face_log_odds[number]), 4),
                "regions": [] if heat is None else _regions(heat, number),
                "cells": None if heat is None else np.round(heat.cells[number], 4).tolist(),
            }
            for number in range(len(picture.faces))
        ],
    }


def _regions(heat: FaceHeat, number: int) -> list[dict[str, Any]]:
    """The strongest places of a face, as shares of the crop from its upper left corner."""
    side = heat.maps.shape[1]
    found = []
    for region in regions_of(heat.maps[number]):
        spans = (region.rows, region.frames)
        words = [
            names[min(2, int(3 * (first + end) / 2 / side))]
            for names, (first, end) in zip(_PLACES, spans, strict=True)
        ]
        top, bottom, left, right = (round(edge / side, 3) for span in spans for edge in span)
        found.append(
            {
                "towards": region.towards,
                "where": "middle" if words == ["middle"] * 2 else " ".join(words),
                "top": top,
                "bottom": bottom,
                "left": left,
                "right": right,
                "peak": round(region.peak, 4),
                "share": round(region.share, 4),
            }
        )
    return found
