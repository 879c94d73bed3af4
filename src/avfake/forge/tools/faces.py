"""Forgeries of the face. Each is drawn once for a clip and follows the face through its frames."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated

import cv2
import numpy as np

from avfake.forge.bounds import within
from avfake.forge.declared import DeclaredTool, Need, Range, ToolParams, draw
from avfake.forge.face import blend as face_blend
from avfake.forge.face import mouth, self_blend
from avfake.forge.face import warp as face_warp
from avfake.forge.face.donor import Donor
from avfake.forge.face.follow import FaceTrack, follow
from avfake.forge.face.landmarks import Landmarks
from avfake.forge.face.mask import Mask, face_mask, laid, mouth_mask, oval_mask, part_around
from avfake.forge.pictures import picture_of, picture_tool, with_frames
from avfake.forge.take import Edited, Frame, Picture, Take
from avfake.media.errors import ClipError

_FACE: frozenset[Need] = frozenset({"picture", "face"})
_WARP_REACH = 3.4  # eye distances from the face's centre beyond which a warp moves nothing that shows
# At the jump from the clip's last mouth to its first one, so many frames fade from one to the other.
_FADE = 3
# Levels by which mouths of other moments must differ on average from those in whose place they come, over a
# square of an eye distance.
_STILL = 1.0


class SelfBlendParams(ToolParams):
    """`shift`: levels of 255 added to red, green and blue, each drawn; `hue`: degrees; `saturation`,
    `brightness`, `contrast`: factors; `detail`: below 1 the share of the resolution that is left, above 1
    1 + strength of a sharpening; `zoom`: factor of the face's size; `move`: eye distances of its shift
    across and down, each drawn; `reach`: size of the mask, 1: from brow to chin; `waves`: greatest
    deformation of the mask, in eye distances; `border`: softness of its border (standard deviation), in eye
    distances; `strength`: share of the source within the mask."""

    shift: Annotated[Range, within(-64, 64)]
    hue: Annotated[Range, within(-45, 45)]
    saturation: Annotated[Range, within(0, 2)]
    brightness: Annotated[Range, within(0.5, 1.5)]
    contrast: Annotated[Range, within(0.5, 2)]
    detail: Annotated[Range, within(0.1, 3)]
    zoom: Annotated[Range, within(0.8, 1.25)]
    move: Annotated[Range, within(-0.3, 0.3)]
    reach: Annotated[Range, within(0.4, 1.15)]
    waves: Annotated[Range, within(0, 0.3)]
    border: Annotated[Range, within(0.02, 0.2)]
    strength: Annotated[Range, within(0.1, 1)]


class FaceBlendParams(ToolParams):
    """`reach`: half width of the oval that is swapped, in eye distances; `border`: width of its soft border
    as a share of that; `strength`: share of the donor within it."""

    reach: Annotated[Range, within(0.6, 1.15)]
    border: Annotated[Range, within(0.05, 0.6)]
    strength: Annotated[Range, within(0.1, 1)]


class FaceWarpParams(ToolParams):
    """`eyes`, `mouth`, `jaw`: share by which they become larger or smaller, which of the two is drawn."""

    eyes: Annotated[Range, within(0.02, 0.35)]
    mouth: Annotated[Range, within(0.02, 0.35)]
    jaw: Annotated[Range, within(0.02, 0.35)]


class MouthParams(ToolParams):
    """`away_seconds`: how much later the moment is that the mouth is taken from, at most half of the clip
    (what has no later one left comes from the clip's beginning on); `reach`: size of the part replaced, 1:
    from nose to chin; `border`: softness of its border (standard deviation), in eye distances."""

    away_seconds: Annotated[Range, within(0.1, 30)]
    reach: Annotated[Range, within(0.7, 1.2)]
    border: Annotated[Range, within(0.02, 0.2)]


def blend_self(
    take: Take, params: SelfBlendParams, rng: np.random.Generator, _partner: Take | None
) -> Edited:
    """See `avfake.forge.face.self_blend`."""
    red, green, blue = (draw(params.shift, rng) for _ in range(3))
    look = self_blend.Look(
        shift=(red, green, blue),
        hue=draw(params.hue, rng),
        saturation=draw(params.saturation, rng),
        brightness=draw(params.brightness, rng),
        contrast=draw(params.contrast, rng),
        detail=draw(params.detail, rng),
        zoom=draw(params.zoom, rng),
        move=(draw(params.move, rng), draw(params.move, rng)),
    )
    mask = face_mask(rng, draw(params.reach, rng), draw(params.waves, rng), draw(params.border, rng))
    strength = draw(params.strength, rng)

    def retouch(pixels: np.ndarray, marks: Landmarks) -> np.ndarray:
        return self_blend.blend(pixels, marks, look, mask, strength)

    picture = picture_of(take)
    return Edited(picture=_on_face(picture, follow(picture), retouch))


def blend(take: Take, params: FaceBlendParams, rng: np.random.Generator, partner: Take | None) -> Edited:
    """See `avfake.forge.face.blend`: the donor moves, blinks and speaks in its own time."""
    assert partner is not None
    picture = picture_of(take)
    mask = oval_mask(draw(params.reach, rng), draw(params.border, rng))
    strength = draw(params.strength, rng)
    track, donor = follow(picture), Donor(picture_of(partner))

    def frames() -> Iterator[Frame]:
        begin, end = track.seconds[0], track.seconds[-1]
        through = (track.seconds - begin) / max(end - begin, 1e-9)
        faces = donor.faces(through, end - begin)
        for index, (frame, face) in enumerate(zip(picture.frames(), faces, strict=True)):
            marks = track.marks(index)
            part = part_around(frame.pixels.shape[:2], marks, mask.reach) if marks else None
            if marks is None or part is None:
                yield frame
                continue
            inside = part.seen_from(marks)
            over = laid(mask, inside, part.shape)
            if not (over > 0.5).any():
                yield frame
                continue
            made = frame.pixels.copy()
            pixels, donor_marks = face.for_size(inside.eye_distance)
            part.of(made)[:] = face_blend.swap(
                part.of(frame.pixels), inside, pixels, donor_marks, over, strength
            )
            yield Frame(frame.pts, made)

    return Edited(picture=with_frames(picture, frames))


def warp(take: Take, params: FaceWarpParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `avfake.forge.face.warp`."""
    eyes, lips, jaw = (
        draw(bounds, rng) * (1.0 if rng.random() < 0.5 else -1.0)
        for bounds in (params.eyes, params.mouth, params.jaw)
    )

    def retouch(pixels: np.ndarray, marks: Landmarks) -> np.ndarray:
        part = part_around(pixels.shape[:2], marks, _WARP_REACH)
        if part is None:
            return pixels
        made = pixels.copy()
        part.of(made)[:] = face_warp.reshape(part.of(pixels), part.seen_from(marks), eyes, lips, jaw)
        return made

    picture = picture_of(take)
    return Edited(picture=_on_face(picture, follow(picture), retouch))


def replace_mouth(take: Take, params: MouthParams, rng: np.random.Generator, _partner: Take | None) -> Edited:
    """See `avfake.forge.face.mouth`. Reading the picture to its end raises ClipError if no mouth moved."""
    picture = picture_of(take)
    track = follow(picture)
    n, seconds = len(track.seconds), float(track.seconds[-1] - track.seconds[0])
    nearest, farthest = params.away_seconds
    # At the clip's end the mouth comes from its beginning, and must not be nearer there.
    if n < 2 or seconds < 2 * nearest:
        raise ClipError(f"{seconds:.2f} s of picture are too few for a mouth that is {nearest:.2f} s away")
    away = draw([nearest, min(farthest, seconds / 2)], rng)
    later = max(1, int(np.searchsorted(track.seconds, track.seconds[0] + away - 1e-6)))
    mask = mouth_mask(draw(params.reach, rng), draw(params.border, rng))
    return Edited(picture=with_frames(picture, lambda: _with_mouths(picture, track, later, mask)))


def _with_mouths(picture: Picture, track: FaceTrack, later: int, mask: Mask) -> Iterator[Frame]:
    n = len(track.seconds)
    last: tuple[np.ndarray, Landmarks] | None = None  # the clip's last mouth
    changes = []
    for index, (frame, other) in enumerate(zip(picture.frames(), _from(picture, later), strict=False)):
        taken = (index + later) % n
        marks, other_marks = track.marks(index), track.marks(taken)
        if marks is None or other_marks is None:
            yield frame
            continue
        made = mouth.replace(frame.pixels, marks, other.pixels, other_marks, mask)
        if taken == n - 1:
            last = (other.pixels, other_marks)
        elif taken < _FADE and last is not None:
            before = mouth.replace(frame.pixels, marks, *last, mask)
            weight = (taken + 1) / (_FADE + 1)
            made = np.asarray(cv2.addWeighted(made, weight, before, 1 - weight, 0))
        levels = cv2.norm(made, frame.pixels, cv2.NORM_L1) / 3
        changes.append(levels / marks.eye_distance**2)
        yield Frame(frame.pts, made)
    if not changes or np.mean(changes) < _STILL:
        raise ClipError("the mouth does not move: one of another moment would look the same")


def _from(picture: Picture, first: int) -> Iterator[Frame]:
    """The frames from `first` on, and then from the beginning."""
    yield from islice(picture.frames(), first, None)
    yield from picture.frames()


def _on_face(
    picture: Picture, track: FaceTrack, retouch: Callable[[np.ndarray, Landmarks], np.ndarray]
) -> Picture:
    """The picture with every frame that shows the face retouched."""

    def frames() -> Iterator[Frame]:
        for index, frame in enumerate(picture.frames()):
            marks = track.marks(index)
            yield frame if marks is None else Frame(frame.pts, retouch(frame.pixels, marks))

    return with_frames(picture, frames)


TOOLS: tuple[DeclaredTool, ...] = (
    picture_tool(
        "self_blend",
        "fake",
        "the face blended over itself with other colours, sharpness, size and place under a deformed mask",
        "Shiohara and Yamasaki, Detecting deepfakes with self-blended images, CVPR 2022",
        SelfBlendParams,
        {
            "shift": [-8.0, 8.0],
            "hue": [-2.0, 2.0],
            "saturation": [0.85, 1.15],
            "brightness": [0.92, 1.08],
            "contrast": [0.9, 1.1],
            "detail": [0.6, 1.5],
            "zoom": [0.95, 1.05],
            "move": [-0.06, 0.06],
            "reach": [0.75, 1.0],
            "waves": [0.03, 0.12],
            "border": [0.04, 0.12],
            "strength": [0.6, 1.0],
        },
        blend_self,
        needs=_FACE,
    ),
    picture_tool(
        face_blend.TOOL.name,
        "fake",
        "the inner face of another clip aligned, colour-matched and blended in",
        "Li et al., Face X-ray, CVPR 2020; Reinhard et al., Color transfer between images, 2001",
        FaceBlendParams,
        {"reach": [0.8, 0.95], "border": [0.25, 0.4], "strength": [0.85, 1.0]},
        blend,
        needs=_FACE | {"partner_face"},
    ),
    picture_tool(
        face_warp.TOOL.name,
        "fake",
        face_warp.TOOL.description,
        "Gustafsson, Interactive image warping, 1993",
        FaceWarpParams,
        {"eyes": [0.14, 0.24], "mouth": [0.16, 0.28], "jaw": [0.14, 0.22]},
        warp,
        needs=_FACE,
    ),
    picture_tool(
        "mouth",
        "fake",
        "the mouth replaced by that of another moment of the clip, so that the lips do not follow the sound",
        "this repository; Farbman et al., Coordinates for instant image cloning, SIGGRAPH 2009",
        MouthParams,
        {"away_seconds": [0.5, 1.5], "reach": [0.9, 1.05], "border": [0.05, 0.1]},
        replace_mouth,
        needs=_FACE,
    ),
)
