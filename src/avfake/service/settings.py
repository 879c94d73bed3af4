"""What `avfake serve` is told. Every value is an option of the command and a variable of the environment."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from avfake.decoding.limits import Limits

MEGABYTE = 2**20
_SHORTEST_TOKEN = 16


class Settings(BaseModel):
    """Settings of one service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Path = Field(
        description="folder of the job database and of uploads of jobs; only the service's own"
    )
    clips: Path | None = Field(
        None, description="folder whose clips may be named by path; None: uploads alone"
    )
    database: str | None = Field(default=None, description="URL of the job database; None: SQLite in `state`")
    instance: str = Field(
        default="main", description="name of this service among those that share a database"
    )

    capacity: int = Field(
        default=64, gt=0, description="requests for scores taken at once; more are answered 503"
    )
    decoders: int = Field(default=2, gt=0, description="clips read at once")
    batch: int = Field(default=8, gt=0, description="clips handed to the model at once, at most")
    upload_seconds: float = Field(default=60.0, gt=0, description="seconds that an upload may take")
    limits: Limits = Limits()

    job_items: int = Field(default=1000, gt=0, description="clips of one job")
    job_bytes: int = Field(default=1024 * MEGABYTE, gt=0, description="bytes of all uploads of one job")
    open_items: int = Field(default=10_000, gt=0, description="clips of all jobs that wait")
    keep_hours: float = Field(default=24.0, gt=0, description="hours that a finished job is kept")

    tokens: tuple[str, ...] = Field(
        default=(), description="bearer tokens; none: everybody may ask", repr=False
    )

    @field_validator("tokens")
    @classmethod
    def _long_enough(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        for token in tokens:
            if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
                raise ValueError(f"a token has at least {_SHORTEST_TOKEN} printable characters and no space")
        return tokens

    @property
    def database_url(self) -> str:
        """Of the job database."""
        return self.database or f"sqlite:///{self.state / 'jobs.sqlite'}"

    @property
    def uploads(self) -> Path:
        """Folder of the uploads of jobs."""
        return self.state / "uploads"


def usable_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
