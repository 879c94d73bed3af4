"""docs/forge.md says what the registry says, and every tool has its example."""

import subprocess
import sys
from pathlib import Path

from avfake.forge.registry import TOOLS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/forge.md"


def test_the_page_is_what_the_registry_says():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/forge_page.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_tool_has_its_line_and_its_example():
    text = PAGE.read_text(encoding="utf-8")
    for name in TOOLS:
        assert f"| `{name}` |" in text
        assert list((ROOT / "docs/examples").glob(f"{name}.*")), name
