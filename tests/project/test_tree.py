"""The tree as a whole: no trace of a machine, no sprawl, no test that tests nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINARY = {".png", ".jpg", ".mp4", ".ogg", ".safetensors", ".npy", ".parquet"}


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [
        path
        for name in done.stdout.splitlines()
        if (path := ROOT / name).is_file() and path.suffix not in BINARY
    ]


FILES = tracked()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def test_no_path_of_a_machine_stands_in_a_file():
    pattern = re.compile(r"(?<![\w.~>})-])/(root|home/\w+|work|Users/\w+|mnt/\w+|tmp/\w+)/")
    found = []
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)} line {number}: {line.strip()[:80]}")
    assert found == []


def test_no_host_to_install_from_stands_in_a_file():
    pattern = re.compile(
        r"(--(extra-)?index-url|--find-links|--trusted-host)\b|https?://[\w.-]*pypi|files\.pythonhosted"
    )
    found = []
    for path in FILES:
        if path != Path(__file__) and path.name != "test_lock.py":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if pattern.search(line):
                    found.append(f"{path.relative_to(ROOT)} line {number}: {line.strip()[:80]}")
    assert found == []


def test_no_file_is_large():
    """Git holds text; clips, features and models are DVC's."""
    large = [str(path.relative_to(ROOT)) for path in FILES if path.stat().st_size > 512 * 1024]
    assert large == []


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_readable(path):
    text = path.read_text()
    assert text.count("\n") < 300, "one subject per module"
    tree = ast.parse(text)
    assert path.name == "__init__.py" or path.name.startswith("test_") or ast.get_docstring(tree), (
        "says what it is for"
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            reraises = any(isinstance(child, ast.Raise) for child in ast.walk(node))
            assert caught not in ("everything", "Exception", "BaseException") or reraises, (
                f"line {node.lineno}"
            )
        if isinstance(node, ast.Assert):
            assert not isinstance(node.test, ast.Constant), f"line {node.lineno}: asserts nothing"


def test_every_test_asserts_something():
    empty = []
    for path in PYTHON:
        if not path.name.startswith("test_"):
            continue
        helpers = {
            "passes",
            "fails",
            "check",
            "run",
            "raises",
            "assert_equal",
            "assert_array_equal",
            "assert_allclose",
        }
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                calls = {
                    child.func.attr
                    if isinstance(child.func, ast.Attribute)
                    else getattr(child.func, "id", "")
                    for child in ast.walk(node)
                    if isinstance(child, ast.Call)
                }
                asserts = any(isinstance(child, ast.Assert) for child in ast.walk(node))
                if (
                    not asserts
                    and not calls & helpers
                    and not any(name.startswith("assert_") for name in calls)
                ):
                    empty.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert empty == []


def test_no_test_is_skipped():
    pattern = re.compile(r"pytest\.(mark\.)?(skip|xfail|importorskip)|mark\.skipif")
    found = [
        str(path.relative_to(ROOT))
        for path in PYTHON
        if path != Path(__file__) and pattern.search(path.read_text())
    ]
    assert found == []


def test_importing_the_package_or_the_command_loads_nothing_heavy():
    heavy = ["torch", "timm", "librosa", "moviepy", "pandas", "cv2", "av", "sklearn", "matplotlib", "scipy"]
    code = f"import sys, avfake, avfake.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
