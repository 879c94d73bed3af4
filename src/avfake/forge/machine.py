"""The type of machine that clips were made on."""

import platform

import numpy as np


def machine_type() -> str:
    """Architecture and the widest instructions that numpy finds, such as `x86_64 AVX512_SKX`.

    Codecs, resamplers and linear algebra choose their code by what the processor offers, and other code
    rounds otherwise.
    """
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found") or ["baseline"]
    return f"{platform.machine()} {found[-1]}"
