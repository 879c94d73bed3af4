"""The face of a second clip, moment by moment, for a face swap."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from avfake.forge.face.follow import follow
from avfake.forge.face.landmarks import Landmarks
from avfake.forge.face.mask import part_around
from avfake.forge.take import Picture
from avfake.media.errors import ClipError

_REACH = 2.2  # eye distances around the face's centre that are kept
# From this reduction on pixels would be skipped by a warp, which does not average.
_SKIPS = 0.7


class Face(NamedTuple):
    """A face cut out: `pixels` uint8 [h, w, 3], RGB, and where it is in them."""

    pixels: np.ndarray
    marks: Landmarks

    def for_size(self, eye_distance: float) -> "Face":
        """The face, blurred if it is going to be shrunk to so many pixels between the eyes."""
        scale = eye_distance / self.marks.eye_distance
        if scale >= _SKIPS:
            return self
        return Face(np.asarray(cv2.GaussianBlur(self.pixels, (0, 0), 0.4 / scale)), self.marks)


class Donor:
    """The clip that gives the face.

    Raises:
        ClipError: no face is found in it.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        try:
            self._track = follow(picture)
        except ClipError as error:
            raise ClipError(f"the second clip: {error.reason}") from None

    def faces(self, through: np.ndarray, seconds: float) -> Iterator[Face]:
        """The donor's face at moments of the target.

        It plays at its own speed from the first frame that shows a face; a donor that is shorter than the
        target plays slowly enough to last. Where it shows no face, the last one stays.

        Args:
            through: ascending, shares of the target's length, 0 to 1 [n].
            seconds: the target's length.

        Yields:
            A face for each.
        """
        times = self._track.seconds
        first = int(np.argmin(np.isnan(self._track.points[:, 0, 0])))
        length = min(seconds, float(times[-1] - times[first]))
        wanted = iter(times[first] + through * length + 1e-6)
        moment = next(wanted, None)
        face = None
        for index, frame in enumerate(self._picture.frames()):
            marks = self._track.marks(index)
            part = part_around(frame.pixels.shape[:2], marks, _REACH) if marks else None
            if marks is not None and part is not None:
                face = Face(part.of(frame.pixels), part.seen_from(marks))
            until = times[index + 1] if index + 1 < len(times) else np.inf
            while face is not None and moment is not None and moment < until:
                yield face
                moment = next(wanted, None)
            if moment is None:
                return
