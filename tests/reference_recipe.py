"""The reference recipe for the tests; its one copy is benchmarks/reference.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.reference import baseline_image as reference_image  # noqa: E402

__all__ = ["ROOT", "reference_image"]
