"""The faces of an explanation as a picture: each with its second and score, and under the heat over it."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from avfake.explain.faces import Explained, PictureExplained
from avfake.explain.picture import DPI, WIDTH, draw, over

_COLUMNS = 6
_HEIGHT = 2.0  # inches, of a row of faces


def draw_explained(explained: Explained, threshold: float | None = None) -> bytes:
    """PNG of an explanation: the sound as `avfake.explain.picture.draw` has it, and the faces below."""
    parts = [] if explained.sound is None else [draw(explained.sound, threshold)]
    parts += [] if explained.picture is None else [draw_faces(explained.picture)]
    return parts[0] if len(parts) == 1 else _stacked(parts)


def draw_faces(picture: PictureExplained) -> bytes:
    """PNG of the faces in the order of the clip, each above itself under its heat; red speaks for fake."""
    columns = min(_COLUMNS, len(picture.faces))
    rows = -(-len(picture.faces) // columns)
    per_face = 1 if picture.heat is None else 2
    strongest = 0.0 if picture.heat is None else float(np.abs(picture.heat.maps).max())
    kept = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    with mpl.rc_context(kept):
        figure = Figure(
            figsize=(WIDTH, rows * per_face * _HEIGHT + 0.3), dpi=DPI, facecolor="white", layout="constrained"
        )
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows * per_face, columns, squeeze=False)
        for panel in panels.ravel():
            panel.set_axis_off()
        for number, face in enumerate(picture.faces):
            row, column = divmod(number, columns)
            image = face.astype(np.float32) / np.float32(255)
            panel = panels[row * per_face, column]
            panel.imshow(image)
            panel.set_title(f"{picture.times[number]:.2f} s: {picture.face_scores[number]:.3f}", fontsize=9)
            if picture.heat is not None:
                heat = picture.heat.maps[number]
                panels[row * per_face + 1, column].imshow(
                    over(image, heat / strongest) if strongest else image
                )
        figure.suptitle(f"score {picture.score:.3f}", fontsize=9)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()


def _stacked(parts: list[bytes]) -> bytes:
    """Pictures of one width below each other."""
    images = [Image.open(io.BytesIO(part)).convert("RGB") for part in parts]
    whole = Image.new("RGB", (max(image.width for image in images), sum(image.height for image in images)))
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    file = io.BytesIO()
    whole.save(file, format="PNG", dpi=(DPI, DPI))
    return file.getvalue()
