"""An explanation as a picture: score curve, and each channel's spectrogram with the heat over it, on one time
line. The same explanation gives the same bytes."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from avfake.explain.axis import Axis
from avfake.explain.clip import SoundExplained
from avfake.explain.time_line import Piece, curve_of, windows_of

WIDTH, DPI = 11.0, 100  # inches, pixels per inch
_HEIGHTS = 1.7, 2.3  # inches: the curve, and each spectrogram
_COLOURS = "coolwarm"  # fake is red, real is blue; its ends are no darker than a spectrogram
_STRONGEST = 0.75  # how much of the strongest heat's colour covers the spectrogram
_TICKS = (125, 250, 500, 1000, 2000, 3000, 4000, 6000, 8000, 10000, 12000, 16000, 20000)  # Hz


def draw(sound: SoundExplained, threshold: float | None = None) -> bytes:
    """PNG of an explanation; with a dotted line at the score from which a clip is called fake, if given."""
    # matplotlib's own defaults, whatever somebody's matplotlibrc says
    kept = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    with mpl.rc_context(kept):
        heights = [_HEIGHTS[0], *[_HEIGHTS[1]] * len(sound.axes)]
        figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), dpi=DPI, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(8, 1))
        top = figure.add_subplot(grid[0, 0])
        _curve(top, sound, threshold)
        strongest = 0.0 if sound.heat is None else float(np.abs(sound.heat.map).max())
        panels = []
        for number, axis in enumerate(sound.axes):
            panel = figure.add_subplot(grid[1 + number, 0], sharex=top)
            _spectrogram(panel, sound, number, strongest)
            _rows(panel, axis)
            panels.append(panel)
            if sound.heat is not None:
                side = figure.add_subplot(grid[1 + number, 1], sharey=panel)
                _profile(side, sound.heat.map.mean(axis=1))
        panels[-1].set_xlabel("seconds")
        for panel in (top, *panels[:-1]):
            panel.tick_params(labelbottom=False)
        if strongest:
            _legend(figure.add_subplot(grid[0, 1]), strongest)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()


def _legend(corner: Axes, strongest: float) -> None:
    corner.set_axis_off()
    bar = corner.inset_axes((0, 0, 0.25, 1))
    colours = ScalarMappable(Normalize(-strongest, strongest), _COLOURS)
    corner.figure.colorbar(colours, cax=bar)
    bar.set_ylabel("heat, log-odds of fake", fontsize=8)
    bar.tick_params(labelsize=8)


def _curve(panel: Axes, sound: SoundExplained, threshold: float | None) -> None:
    """The windows as faint bars at their scores, their mean as a step line, the clip's score across."""
    for piece in windows_of(sound.window_scores, sound.line):
        panel.plot([piece.begin, piece.end], [piece.score] * 2, color="#999999", linewidth=3, alpha=0.5)
    pieces = curve_of(sound.window_scores, sound.line)
    panel.stairs(*_steps(pieces), baseline=None, color="#111111", linewidth=1.5, label="mean of the windows")
    panel.axhline(sound.score, color="#555555", linestyle="--", linewidth=1, label=f"score {sound.score:.3f}")
    if threshold is not None:
        panel.axhline(
            threshold, color="#a94400", linestyle=":", linewidth=1.2, label=f"fake from {threshold:.3f}"
        )
    panel.set_xlim(0, sound.seconds)
    panel.set_ylim(-0.03, 1.03)
    panel.set_ylabel("probability\nof fake")
    panel.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=8, borderaxespad=0
    )


def _steps(pieces: list[Piece]) -> tuple[list[float], list[float]]:
    return [piece.score for piece in pieces], [*(piece.begin for piece in pieces), pieces[-1].end]


def _spectrogram(panel: Axes, sound: SoundExplained, channel: int, strongest: float) -> None:
    image: NDArray[np.float32] = np.repeat(sound.levels[channel][..., None] / np.float32(255), 3, axis=2)
    if sound.heat is not None and strongest:
        image = over(image, sound.heat.map / strongest)
    edges = sound.line.edges
    height = image.shape[0]
    panel.imshow(image, origin="lower", aspect="auto", extent=(edges[0], edges[-1], 0, height))
    panel.set_xlim(0, sound.seconds)


def over(image: NDArray[np.float32], heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """A grey picture [H, frames, 3] under heat from -1 to 1, the more covered the stronger the heat is."""
    colour = np.asarray(colormaps[_COLOURS]((heat + 1) / 2)[..., :3], np.float32)
    cover = (_STRONGEST * np.abs(heat))[..., None]
    mixed = image * (1 - cover) + colour * cover
    return mixed.astype(np.float32)


def _rows(panel: Axes, axis: Axis) -> None:
    """Ticks in Hz where rows are bands, else by name."""
    n_rows = len(axis.names)
    panel.set_ylim(0, n_rows)
    panel.set_ylabel(axis.front_end)
    if axis.edges is None:
        rows = list(range(0, n_rows, max(1, n_rows // 6)))
        panel.set_yticks([row + 0.5 for row in rows], [axis.names[row] for row in rows], fontsize=8)
        return
    places: list[float] = []
    labels = []
    for hertz in _TICKS:
        place = float(np.interp(hertz, axis.edges, np.arange(n_rows + 1)))
        apart = not places or place - places[-1] >= n_rows / 10
        if axis.edges[0] <= hertz <= axis.edges[-1] and apart:
            places.append(place)
            labels.append(f"{hertz} Hz" if hertz < 1000 else f"{hertz / 1000:g} kHz")
    panel.set_yticks(places, labels, fontsize=8)


def _profile(panel: Axes, mean: NDArray[np.float32]) -> None:
    """The mean heat of each row over the clip."""
    rows = np.arange(len(mean)) + 0.5
    panel.axvline(0, color="#777777", linewidth=0.8)
    panel.fill_betweenx(rows, 0, mean, where=mean >= 0, color="#b40426", linewidth=0)
    panel.fill_betweenx(rows, 0, mean, where=mean <= 0, color="#3b4cc0", linewidth=0)
    panel.tick_params(labelleft=False, labelsize=7)
    panel.set_xlabel("mean heat", fontsize=8)
