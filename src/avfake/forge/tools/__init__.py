"""The tools, a module per kind; each module ends with `TOOLS`, the tuple of what it declares."""

from avfake.forge.declared import DeclaredTool
from avfake.forge.tools import (
    band,
    codecs,
    faces,
    frames,
    level,
    noise,
    pair,
    partial,
    picture,
    pitch_time,
    rooms,
    silence,
    speech,
    splice,
    vocoders,
    voice,
)

ALL: tuple[DeclaredTool, ...] = (
    *codecs.TOOLS,
    *noise.TOOLS,
    *rooms.TOOLS,
    *band.TOOLS,
    *level.TOOLS,
    *pitch_time.TOOLS,
    *silence.TOOLS,
    *splice.TOOLS,
    *picture.TOOLS,
    *vocoders.TOOLS,
    *voice.TOOLS,
    *partial.TOOLS,
    *speech.TOOLS,
    *faces.TOOLS,
    *frames.TOOLS,
    *pair.TOOLS,
)
