"""Where the pictures of a clip go when its sound begins at another time, plays faster, or is longer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from avfake.forge.take import Frame

# Units per second, at least, in which moved pictures are placed: to 25 us, so that speeds come out exact.
_FINE = 40_000


@dataclass(frozen=True)
class Timing:
    """What happened to the sound in time, and so happens to the picture.

    Attributes:
        speed, begins: as in `avfake.forge.take.Edited`.
        longer: seconds that the sound is longer than `speed` alone would have made it; `begins` counts in.
    """

    speed: Fraction = Fraction(1)
    begins: Fraction = Fraction(0)
    longer: Fraction = Fraction(0)

    @property
    def moves(self) -> bool:
        """Whether anything happened."""
        return self != Timing()

    @property
    def held(self) -> Fraction:
        """Seconds that the first or the last picture has to be shown longer."""
        return max(self.begins, self.longer - self.begins)

    def end(self, end: Fraction) -> Fraction:
        """Where a picture ends that ended at `end`, seconds: as long before or after the sound as it did."""
        return end / self.speed + self.longer


@dataclass(frozen=True)
class Clock:
    """Times before and after.

    Attributes:
        base: seconds per unit afterwards.
        factor: units afterwards per unit before.
        offset: units afterwards by which everything comes later.
    """

    base: Fraction
    factor: int = 1
    offset: int = 0

    def at(self, pts: int) -> int:
        """A time before, afterwards."""
        return pts * self.factor + self.offset

    def ticks(self, seconds: Fraction) -> int:
        """Seconds in units afterwards."""
        return round(seconds / self.base)


def clock(time_base: Fraction, timing: Timing) -> Clock:
    """The clock of a picture whose times were in units of `time_base` seconds.

    Another speed is another length of the unit, so that pictures that were evenly spaced stay so.
    """
    if not timing.moves:
        return Clock(time_base)
    factor = -(-_FINE * time_base // timing.speed)
    base = Fraction(1, round(factor * timing.speed / time_base))
    return Clock(base, int(factor), round(timing.begins / base))


class Coded(NamedTuple):
    """A picture as it is encoded: its time, whether decoding can begin with it, whether it is shown."""

    pts: int
    is_key: bool
    is_shown: bool


class Placed(NamedTuple):
    """Where an encoded picture goes: its number among those that were given, and its times afterwards."""

    number: int
    pts: int
    dts: int
    duration: int


def placed(pictures: Sequence[Coded], clock: Clock, end: int) -> list[Placed]:
    """Moves encoded pictures without touching their contents.

    Where the sound begins earlier, the first picture is shown from where it was until the second one comes.
    Where it begins later, pictures get times before 0: players decode and do not show them, and the one that
    is seen at 0 starts there. The last is shown until `end`. Pictures after `end` are left out; those that
    earlier ones are decoded from are shown for one unit each, right before it.

    Args:
        pictures: in the order of decoding, at least one.
        clock: its `offset` moves them.
        end: when the picture ends, in units of `clock.base`.

    Returns:
        In the order of decoding, every `dts` rising and none above its `pts`.
    """
    first = min((picture.pts for picture in pictures if picture.is_shown), default=pictures[0].pts)
    times = [_moved(picture.pts, first, clock) for picture in pictures]
    kept = list(range(len(pictures)))
    if clock.offset < 0:
        seen = [index for index in kept if pictures[index].is_shown and times[index] <= 0]
        if seen:
            times[max(seen, key=lambda index: times[index])] = 0
        kept = _decodable(pictures, times)
    end = max(end, min((times[index] for index in kept if times[index] >= 0), default=0) + 1)
    last = max(index for index in kept if times[index] < end)
    kept = [index for index in kept if index <= last]
    shown = sorted(kept, key=lambda index: times[index])
    for place, index in enumerate(reversed(shown)):
        times[index] = min(times[index], end - 1 - place)
    rising = [times[index] for index in shown]
    until = dict(zip(shown, [*rising[1:], end], strict=True))
    delay = max(time - times[index] for time, index in zip(rising, kept, strict=True))
    durations = [until[index] - times[index] for index in kept]
    # Muxers take a track to be as long as this one says, though others may be shown after it.
    durations[-1] = end - rising[-1]
    return [
        Placed(index, times[index], time - delay, duration)
        for time, index, duration in zip(rising, kept, durations, strict=True)
    ]


def _moved(pts: int, first: int, clock: Clock) -> int:
    """`first`: when the first picture was shown; what lies before it is decoded only."""
    if clock.offset > 0 and pts <= first:
        return pts * clock.factor
    return clock.at(pts)


def _decodable(pictures: Sequence[Coded], times: Sequence[int]) -> list[int]:
    """From the last picture with which decoding can begin and that comes at 0 or before."""
    starts = [index for index, picture in enumerate(pictures) if picture.is_key and times[index] <= 0]
    if not starts:
        return list(range(len(pictures)))
    start = starts[-1]
    # What follows it and is shown before it was decoded from pictures that are gone.
    return [index for index in range(start, len(pictures)) if times[index] >= times[start]]


def shown(frames: Iterator[Frame], clock: Clock, end: int, step: int) -> Iterator[tuple[Frame, int]]:
    """Moves decoded frames, as `placed` does encoded ones: each with its new time, and how long it is shown.

    Args:
        frames: with rising times.
        clock: see `placed`.
        end: see `placed`.
        step: from one frame to the next, in units of `clock.base`: a first or last picture that is shown
            longer is repeated so often, for the frame rate stays. 0: none is repeated.

    Raises:
        ValueError: the times of the frames do not rise.
    """
    held: Frame | None = None
    before: int | None = None
    early = step if clock.offset > 0 else 0
    for frame in frames:
        if before is not None and frame.pts <= before:
            raise ValueError(f"the picture's times do not rise: {frame.pts} after {before}")
        at = clock.at(frame.pts)
        if before is None and clock.offset > 0:
            at -= clock.offset
        elif clock.offset < 0:
            at = max(at, 0)
        before = frame.pts
        if held is not None and at >= end:
            break
        if held is not None and at > held.pts:
            yield from _repeated(held, _first_length(at - held.pts, early), at, early)
            early = 0
        held = Frame(at, frame.pixels)
    if held is not None:
        end = max(end, held.pts + 1)
        yield from _repeated(held, step or end - held.pts, end, step)


def _first_length(whole: int, step: int) -> int:
    """How long the first of several is shown, half a step to 1.5, so that the others are a whole one."""
    if step == 0:
        return whole
    rest = whole % step
    return rest if rest > step // 2 else rest + step


def _repeated(frame: Frame, length: int, end: int, step: int) -> Iterator[tuple[Frame, int]]:
    """The frame for `length`, then to `end` again every `step`; the last one for half a step to 1.5."""
    at = frame.pts
    while end - at - length > step // 2:
        yield Frame(at, frame.pixels), length
        at, length = at + length, step
    yield Frame(at, frame.pixels), end - at
