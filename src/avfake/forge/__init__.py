"""Deepfake tools, each declared with name, version, licence and parameters; pure functions of arrays.

`world`, `griffin_lim` and `hifigan` re-synthesise speech; `face_blend` and `face_warp` forge a picture.
"""
