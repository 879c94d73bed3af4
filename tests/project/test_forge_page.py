"""docs/forge.md says what the registry says, and every tool has its example."""

import subprocess
import sys
from pathlib import Path

from avfake.forge.registry import TOOLS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
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


def test_the_readme_counts_the_tools_that_there_are():
    labels = [tool.label for tool in TOOLS.values()]
    said = f"{labels.count('keeps')} tools that keep a clip's label and {labels.count('fake')} that forge"
    assert said in README.read_text(encoding="utf-8")
