"""A folder to run single stages in, without Git and DVC."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workspace import DATA, hashes, label_rows, set_params, stage, write_rows


@dataclass(frozen=True)
class Place:
    """A folder to run stages in."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / DATA

    def labels(self, split: str = "train") -> Path:
        return self.root / f"{split}_label.txt"

    def rows(self, split: str = "train") -> list[list[str]]:
        return label_rows(self.labels(split))

    def write(self, rows: list[list[str]], split: str = "train") -> None:
        write_rows(self.labels(split), rows)

    def set(self, **values: object) -> None:
        set_params(self.folder, {name.replace("__", "."): value for name, value in values.items()})

    def passes(self, *names: str) -> str:
        """Runs stages that must pass; what the last one printed."""
        text = ""
        for name in names:
            done = stage(self.folder, name)
            assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}"
            text = done.stdout
        return text

    def fails(self, name: str, exit_code: int) -> str:
        """Runs a stage that must fail as it is meant to, and returns what it said."""
        done = stage(self.folder, name)
        assert done.returncode == exit_code, f"{name} ended with {done.returncode}:\n{done.stdout}"
        assert "Traceback" not in done.stdout
        assert done.stdout.startswith("error: ") or "\nerror: " in done.stdout
        assert "\nremedy: " in done.stdout
        return done.stdout

    def problems(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "data/labels/problems.csv", keep_default_na=False, dtype=str)

    def hashes(self, *outputs: str) -> dict[str, str]:
        return hashes(self.folder, *outputs)
