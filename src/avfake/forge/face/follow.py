"""Where the face is in every frame of a clip: looked for in a few, followed by optical flow between them.

Detection alone would jitter by some per cent of the face, which a forgery laid over it would show. So each
frame's motion against the one before is measured on the face (points of J. Shi and C. Tomasi, Good features
to track, 1994, followed with the pyramids of J.-Y. Bouguet, 2000), and what was detected around a moment,
carried along by that motion, is averaged.
"""

from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np

from avfake.forge.face.find import Box, box_around, eyes_in, face_boxes, searched
from avfake.forge.face.landmarks import Landmarks
from avfake.forge.take import Frame, Picture
from avfake.media.errors import ClipError

# A face is looked for this often.
LOOK_SECONDS = 0.5
# Share of the frames looked at that must show a face.
_ENOUGH = 0.5
# A scene in which no face was found for so long has none any more.
_LOST_SECONDS = 2.0
# Frames before the first one with a face that are followed backwards.
_BACKWARDS = 30
_SAME_FACE = 0.3  # least overlap of a box with where the face was followed to
_SMOOTHED_SECONDS = 1.5  # standard deviation of the weights of what was detected around a moment
_POINTS = 60
_FEWEST_POINTS = 6
_THERE_AND_BACK = 0.7  # pixels that a point may miss itself by when followed to the next frame and back
_FOLLOWED = 0.5  # share of the points that must come back: fewer after a cut
_LARGEST_ZOOM = 1.15  # from a frame to the next
_LARGEST_STEP = 0.6  # eye distances from a frame to the next


@dataclass(frozen=True)
class FaceTrack:
    """The face of a clip.

    Attributes:
        points: float32 [n, 3, 2], left eye, right eye and mouth of every frame in pixels; NaN where there is
            no face to follow.
        seconds: float64 [n], the frames' times.
    """

    points: np.ndarray
    seconds: np.ndarray

    def marks(self, index: int) -> Landmarks | None:
        """The face in frame `index`; None where there is none."""
        if index >= len(self.points) or np.isnan(self.points[index, 0, 0]):
            return None
        left, right, mouth = ((float(x), float(y)) for x, y in self.points[index])
        return Landmarks(left, right, mouth)


@dataclass
class _Scene:
    """Frames through which one face was followed; coordinates of the searched picture."""

    first: int
    # Maps from the scene's frame of reference to each of its frames, [3, 3].
    maps: deque[np.ndarray] = field(default_factory=deque)
    # Index of the frame, landmarks by the box's proportions, landmarks by the eyes.
    seen: list[tuple[int, np.ndarray, np.ndarray | None]] = field(default_factory=list)
    missed: int = 0

    def see(self, index: int, box: Box, eyes: Landmarks | None) -> None:
        self.missed = 0
        self.seen.append((index, box.marks().points(), None if eyes is None else eyes.points()))

    def points(self, seconds: np.ndarray) -> np.ndarray:
        """float64 [m, 3, 2] of its m frames."""
        with_eyes = [(index, eyes) for index, _, eyes in self.seen if eyes is not None]
        by_box = [(index, marks) for index, marks, _ in self.seen]
        # Never both: they differ by more than the face moves.
        seen = with_eyes if 2 * len(with_eyes) >= len(self.seen) else by_box
        still = np.stack(
            [_mapped(np.linalg.inv(self.maps[index - self.first]), marks) for index, marks in seen]
        )
        times = seconds[[index for index, _ in seen]]
        rows = []
        for offset, matrix in enumerate(self.maps):
            distance = ((seconds[self.first + offset] - times) / _SMOOTHED_SECONDS) ** 2 / 2
            weight = np.exp(distance.min() - distance)
            rows.append(_mapped(matrix, np.tensordot(weight / weight.sum(), still, axes=1)))
        return np.stack(rows)


def follow(picture: Picture) -> FaceTrack:
    """The face of a clip by one pass over its frames.

    Raises:
        ClipError: no face was found in more than half of the frames looked at, or there is no frame.
    """
    return _Follower(picture).track()


class _Follower:
    """The state of the pass."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._scenes: list[_Scene] = []
        self._scene: _Scene | None = None
        self._marks: Landmarks | None = None  # where the face was followed to
        self._greys: deque[np.ndarray] = deque(maxlen=_BACKWARDS)  # since the last scene ended
        self._seconds: list[float] = []
        self._last_seen = 0.0
        self._next_look = -np.inf
        self._looked = self._found = 0

    def track(self) -> FaceTrack:
        shrink = 1.0
        for frame in self._picture.frames():
            grey, shrink = searched(frame.pixels)
            self._step(frame, grey, shrink)
        if not self._seconds:
            raise ClipError("the picture holds no frame")
        if self._found == 0 or self._found < _ENOUGH * self._looked:
            missing = self._looked - self._found
            raise ClipError(f"no face found in {missing} of {self._looked} frames looked at")
        seconds = np.array(self._seconds)
        points = np.full((len(seconds), 3, 2), np.nan, np.float32)
        for scene in self._scenes:
            points[scene.first : scene.first + len(scene.maps)] = scene.points(seconds) * shrink
        return FaceTrack(points, seconds)

    def _step(self, frame: Frame, grey: np.ndarray, shrink: float) -> None:
        index, seconds = len(self._seconds), float(frame.pts * self._picture.time_base)
        self._seconds.append(seconds)
        if self._scene is not None:
            assert self._marks is not None
            motion = _motion(self._greys[-1], grey, self._marks)
            if motion is None or seconds - self._last_seen > _LOST_SECONDS:
                # What comes now may be another scene: it is looked at without waiting.
                self._end()
                self._next_look = seconds
            else:
                self._scene.maps.append(motion @ self._scene.maps[-1])
                self._marks = self._marks.moved(motion[:2])
        if seconds >= self._next_look:
            self._next_look = seconds + LOOK_SECONDS
            self._look(frame, index, grey, shrink)
        self._greys.append(grey)

    def _end(self) -> None:
        self._scene = self._marks = None
        self._greys.clear()

    def _look(self, frame: Frame, index: int, grey: np.ndarray, shrink: float) -> None:
        self._looked += 1
        boxes = face_boxes(grey)
        if self._marks is not None:
            around = box_around(self._marks)
            same = [box for box in boxes if box.overlap(around) >= _SAME_FACE]
            if not same:
                assert self._scene is not None
                self._scene.missed += 1
                if not boxes or self._scene.missed < 2:
                    return
                self._end()
            boxes = same or boxes
        if not boxes:
            return
        box = boxes[0]
        whole = Box(box.x * shrink, box.y * shrink, box.side * shrink)
        eyes = eyes_in(frame.pixels, whole)
        if eyes is not None:
            eyes = eyes.moved(np.array([[1 / shrink, 0.0, 0.0], [0.0, 1 / shrink, 0.0]]))
        self._found += 1
        self._last_seen = self._seconds[index]
        self._marks = box.marks() if eyes is None else eyes
        if self._scene is None:
            self._scene = self._begun(index, grey)
            self._scenes.append(self._scene)
        self._scene.see(index, box, eyes)

    def _begun(self, index: int, grey: np.ndarray) -> _Scene:
        """A scene that begins at this frame, and is followed back to where the face was not found."""
        scene = _Scene(index, deque([np.eye(3)]))
        assert self._marks is not None
        marks, after = self._marks, grey
        for before in reversed(self._greys):
            motion = _motion(after, before, marks)
            if motion is None:
                break
            scene.maps.appendleft(motion @ scene.maps[0])
            scene.first -= 1
            marks, after = marks.moved(motion[:2]), before
        return scene


def _mapped(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    moved: np.ndarray = points @ matrix[:2, :2].T + matrix[:2, 2]
    return moved


def _flow(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points float32 [n, 1, 2] are in the other picture, and which of them are seen there, bool [n]."""
    to, seen, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=(15, 15), maxLevel=3)
    return to, seen[:, 0] == 1


def _motion(before: np.ndarray, after: np.ndarray, marks: Landmarks) -> np.ndarray | None:
    """How the face moves from a grey picture to the next: shift, turn and zoom [3, 3]; None if it is lost."""
    box, unit = box_around(marks), marks.eye_distance
    where = np.zeros(before.shape, np.uint8)
    # Brows, eyes and nose: what is below them moves with speech.
    middle = (round(box.x + 0.5 * box.side), round(box.y + 0.4 * box.side))
    cv2.ellipse(where, middle, (round(0.36 * box.side), round(0.28 * box.side)), 0, 0, 360, 255, -1)
    points = cv2.goodFeaturesToTrack(before, _POINTS, 0.01, 2, mask=where)
    if points is None or len(points) < _FEWEST_POINTS:
        return None
    there, seen = _flow(before, after, points)
    back, again = _flow(after, before, there)
    good = seen & again
    good &= np.abs(back - points).max(axis=(1, 2)) < _THERE_AND_BACK
    if good.sum() < max(_FEWEST_POINTS, _FOLLOWED * len(points)):
        return None
    matrix, _ = cv2.estimateAffinePartial2D(points[good], there[good], ransacReprojThreshold=1.0)
    if matrix is None:
        return None
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    step = np.abs(_mapped(np.vstack([matrix, [0, 0, 1]]), marks.points()) - marks.points()).max()
    if not 1 / _LARGEST_ZOOM < zoom < _LARGEST_ZOOM or step > _LARGEST_STEP * unit:
        return None
    return np.vstack([matrix, [0.0, 0.0, 1.0]])
