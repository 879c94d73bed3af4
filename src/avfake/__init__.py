"""avfake: decides whether an audio-video clip is a deepfake, and how sure it is.

`avfake.score(path)` is the contest's function, `avfake.Scorer` keeps the model loaded. Both are
imported on first use, so that `import avfake` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avfake.scoring import Scorer, score

__version__ = "0.1.0"
__all__ = ["Scorer", "__version__", "score"]


def __getattr__(name: str) -> Any:
    if name in ("Scorer", "score"):
        return getattr(import_module("avfake.scoring"), name)
    raise AttributeError(f"module 'avfake' has no attribute {name!r}")
