"""The stage `augment` in processes: as many as one likes, and killed half way."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from augmented import OUTPUTS, in_this_process, make_place, recipe, run_augment, use_toys
from place import Place
from workspace import environment

RECIPES = (recipe("slow", params={"seconds": 0.15}), recipe("louder"))
COMMAND = [sys.executable, "-c", "from augmented import main; main()"]


def variables(folder: Path) -> dict[str, str]:
    values = environment(folder)
    return values | {"PYTHONPATH": f"{values['PYTHONPATH']}:{Path(__file__).parents[1]}"}


def test_killed_half_way_it_goes_on_and_two_processes_give_the_bytes_of_one(tmp_path, monkeypatch):
    place = make_place(tmp_path / "killed", *RECIPES)
    shutil.copytree(place.folder, tmp_path / "undisturbed")
    with subprocess.Popen(COMMAND, cwd=place.folder, env=variables(place.folder), text=True) as process:
        memo = place.folder / ".memo"
        deadline = time.monotonic() + 120
        while len(list(memo.glob("*/*"))) < 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (place.folder / "data/augmented").exists()
    assert not (place.folder / "metrics").exists()
    n_before = len([path for path in memo.glob("*/*") if not path.name.endswith(".tmp")])
    assert 0 < n_before < 12

    place.set(parallel__workers=2)
    again = subprocess.run(
        COMMAND, cwd=place.folder, env=variables(place.folder), capture_output=True, text=True
    )

    assert again.returncode == 0, again.stderr
    assert f"{12 - n_before} made, {n_before} from the memo, 0 skipped" in again.stdout
    assert not list((place.folder / "data").glob(".*"))
    use_toys(monkeypatch)
    in_this_process(monkeypatch)
    assert run_augment(Place(tmp_path / "undisturbed"), monkeypatch) == place.hashes(*OUTPUTS)
