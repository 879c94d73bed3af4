"""Writes the table of docs/forge.md and an example of every tool from the registry.

    python scripts/forge_page.py            # make examples; needs what `make repro` fetched
    python scripts/forge_page.py --check    # ends with 1 if the table is not what the registry says

The examples are made from a clip of the project's own: a sentence by the synthetic voice hibari under a
photograph in the public domain. Sounds are Ogg Opus, pictures a sheet of frames, before above after.
"""

import argparse
import io
import json
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from avfake.files import atomic_write_bytes, atomic_write_text
from avfake.forge.declared import DeclaredTool
from avfake.forge.make import derive
from avfake.forge.registry import TOOLS, check_params
from avfake.media.audio import read_audio
from avfake.media.faces import sample_frames

ROOT = Path(__file__).parents[1]
PAGE, EXAMPLES = Path("docs/forge.md"), Path("docs/examples")
START, END = "<!-- tools: make examples -->", "<!-- end of tools -->"
RATE, SECONDS = 16000, 3.0
OPUS_RATE, OPUS_BITS = 48000, 24000
SHEET_FRAMES, JPEG_QUALITY = 5, 85
FAMILIES = (
    ("sound", "keeps", "Sound, label kept"),
    ("picture", "keeps", "Picture, label kept"),
    ("sound", "fake", "Sound forged"),
    ("picture", "fake", "Picture forged"),
    ("pair", "fake", "Sound and picture that do not belong together"),
)


def example_file(tool: DeclaredTool) -> str:
    """Name of the tool's example below docs/examples."""
    return f"{tool.name}.{'jpg' if tool.changes == 'picture' else 'ogg'}"


def block() -> str:
    """The part of the page between the markers."""
    lines = [START]
    for changes, label, title in FAMILIES:
        tools = [tool for tool in TOOLS.values() if (tool.changes, tool.label) == (changes, label)]
        if not tools:
            continue
        lines += ["", f"### {title}", ""]
        lines += ["| tool | what it does | parameters, as an example | follows | licence | example |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        for tool in tools:
            params = json.dumps(tool.example)[1:-1].replace('"', "") or "none"
            second = " (needs a second clip)" if tool.needs_partner else ""
            example = f"[{example_file(tool).rpartition('.')[2]}](examples/{example_file(tool)})"
            lines.append(
                f"| `{tool.name}` | {tool.description}{second} | `{params}` |"
                f" {tool.origin} | {tool.licence} | {example} |"
            )
    return "\n".join([*lines, "", END])


def page(text: str) -> str:
    """The page with the block as the registry says it."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{block()}{after}"


def write_examples(folder: Path) -> None:
    """One file per tool, and `original.ogg`."""
    with tempfile.TemporaryDirectory() as name:
        clip, partner = Path(name) / "clip.mp4", Path(name) / "partner.mp4"
        clip.write_bytes(_spoken(deep=False, seed=1))
        partner.write_bytes(_spoken(deep=True, seed=2))
        atomic_write_bytes(folder / "original.ogg", _opus(read_audio(clip, OPUS_RATE)))
        for tool in TOOLS.values():
            params = check_params(tool, tool.example, "the example")
            made = Path(name) / "made.mp4"
            made.write_bytes(derive(clip, tool, params, 0, partner if tool.needs_partner else None))
            data = _sheet(clip, made) if tool.changes == "picture" else _opus(read_audio(made, OPUS_RATE))
            atomic_write_bytes(folder / example_file(tool), data)
    for path in folder.iterdir():
        if path.name not in {"original.ogg", *map(example_file, TOOLS.values())}:
            path.unlink()


def _spoken(deep: bool, seed: int) -> bytes:
    """A clip of the synthetic voice hibari under a photograph in the public domain."""
    from avfake.dataset.sample import build, picture, speech, writer
    from avfake.dataset.sample.sound import envelope
    from avfake.params import SampleParams, load

    params = load(SampleParams, ROOT / "params.yaml")
    voices = build.fetch_ingredients(ROOT / build.CACHE).voices
    n = int(SECONDS * RATE)
    sound = speech.say(speech.HIBARI.name, "nl", deep, n, RATE, seed, voices)
    sound = (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)
    photo = picture.photographs()[int(deep)]
    still, marks = picture.still(photo, params.picture_size, seed)
    mouth = envelope(sound, int(SECONDS * params.frame_rate))
    frames = list(picture.animated(still, marks, mouth, params.frame_rate, seed))
    return writer.mp4(frames, params.frame_rate, sound, RATE)


def _opus(sound: np.ndarray) -> bytes:
    """float32 [n] at OPUS_RATE as an Ogg Opus file."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", "ogg", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        stream.bit_rate = OPUS_BITS
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound, np.float32)[None], "flt", "mono")
        frame.sample_rate = OPUS_RATE
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def _sheet(before: Path, after: Path) -> bytes:
    """Frames of two clips, one row each, as a JPEG."""
    rows = [np.concatenate(sample_frames(path, SHEET_FRAMES), axis=1) for path in (before, after)]
    width = min(row.shape[1] for row in rows)
    sheet = cv2.cvtColor(np.concatenate([row[:, :width] for row in rows]), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return bytes(data.tobytes())


def main() -> int:
    """Writes the page and the examples, or checks the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    if options.check:
        names = map(example_file, TOOLS.values())
        missing = [name for name in names if not (ROOT / EXAMPLES / name).is_file()]
        if page(text) == text and not missing:
            return 0
        print(f"{PAGE} is not what the registry says {missing}: run `make examples`", file=sys.stderr)
        return 1
    write_examples(ROOT / EXAMPLES)
    atomic_write_text(ROOT / PAGE, page(text))
    size = sum(path.stat().st_size for path in (ROOT / EXAMPLES).iterdir())
    print(f"{PAGE}: {len(TOOLS)} tools, examples of {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
