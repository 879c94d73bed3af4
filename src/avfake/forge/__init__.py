"""Tools that make extra training clips, declared so that everybody can make the same clips again.

`declared`, `registry`, `tools/`: what there is. `take`: a clip as a tool sees it. `plan`, `run`, `make`: from
recipes to clips. `voice/`, `face/`: the forging, pure functions of arrays. `clip/`: reading and writing.
"""
