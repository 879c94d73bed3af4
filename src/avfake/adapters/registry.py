"""The sets that `avfake import` knows."""

import difflib

from avfake.adapters.adapter import Adapter
from avfake.adapters.asvspoof5 import ASVspoof5
from avfake.adapters.asvspoof2019 import ASVspoof2019LA
from avfake.adapters.asvspoof2021 import ASVspoof2021DF, ASVspoof2021LA
from avfake.adapters.avdeepfake1m import AVDeepfake1M
from avfake.adapters.dfdc import DFDC
from avfake.adapters.faceforensics import FaceForensics
from avfake.adapters.fakeavceleb import FakeAVCeleb
from avfake.adapters.ffdv import FFDV
from avfake.adapters.in_the_wild import InTheWild
from avfake.adapters.lavdf import LAVDF
from avfake.adapters.wavefake import WaveFake
from avfake.errors import UserError

_ALL: tuple[Adapter, ...] = (
    FFDV(), FakeAVCeleb(), LAVDF(), AVDeepfake1M(), DFDC(), FaceForensics(), ASVspoof2019LA(),
    ASVspoof2021LA(), ASVspoof2021DF(), ASVspoof5(), WaveFake(), InTheWild(),
)  # fmt: skip
ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in _ALL}


def adapter_of(name: str) -> Adapter:
    """The adapter of a set.

    Raises:
        UserError: there is none of that name.
    """
    adapter = ADAPTERS.get(name.lower())
    if adapter is None:
        near = difflib.get_close_matches(name.lower(), ADAPTERS, n=1)
        raise UserError(
            f"{name}: no such set" + (f"; did you mean {near[0]}?" if near else ""),
            f"the sets are {', '.join(ADAPTERS)}",
        )
    return adapter
