"""The state of jobs in a database: SQLite or PostgreSQL, by URL."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from avfake.errors import UserError

QUEUED, RUNNING, SCORED, FAILED = "queued", "running", "scored", "failed"
OPEN = (QUEUED, RUNNING)
_META = sa.MetaData()
_JOBS = sa.Table(
    "avfake_jobs",
    _META,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("created", sa.Float, nullable=False, index=True),
)
_ITEMS = sa.Table(
    "avfake_job_items",
    _META,
    sa.Column("job", sa.ForeignKey("avfake_jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=True),  # below the folder of clips; null: an upload
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("finished", sa.Float, nullable=True),
    sa.Column("answer", sa.Text, nullable=True),  # JSON: a result, or a problem document
    sa.Index("avfake_job_items_open", "instance", "state"),
)

TABLES = (_JOBS, _ITEMS)


@dataclass(frozen=True)
class Item:
    """A clip of a job. `path` is below the folder of clips; None: the file `upload_name` of the uploads."""

    job: str
    number: int
    name: str
    path: str | None
    attempts: int = 0

    @property
    def upload_name(self) -> str:
        """The name of its upload in the service's own folder."""
        return f"{self.job}-{self.number}"


class JobStore:
    """Jobs in a database. Thread-safe.

    Args:
        url: of the database, as SQLAlchemy has it.
        instance: whose items are taken and counted; jobs of all instances can be read.

    Raises:
        UserError: the database cannot be opened.
    """

    def __init__(self, url: str, instance: str) -> None:
        self._instance = instance
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True)
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare_sqlite)
            _META.create_all(self._engine)
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
            shown = _without_password(url)
            raise UserError(
                f"{shown}: the job database cannot be opened: {str(error).splitlines()[0]}",
                "give another with --database, as sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
            ) from None

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def answers(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execute(sa.select(sa.literal(1)))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def add(self, items: Sequence[Item]) -> None:
        """Keeps a new job; all of its items have its id."""
        with self._engine.begin() as connection:
            job = {"id": items[0].job, "instance": self._instance, "created": time.time()}
            connection.execute(_JOBS.insert(), job)
            rows = [
                {"job": item.job, "number": item.number, "instance": self._instance, "name": item.name,
                 "path": item.path, "state": QUEUED, "attempts": 0}
                for item in items
            ]  # fmt: skip
            connection.execute(_ITEMS.insert(), rows)

    def take(self, most: int) -> list[Item]:
        """The oldest queued items of this instance, which are running from here on."""
        columns = (_ITEMS.c.job, _ITEMS.c.number, _ITEMS.c.name, _ITEMS.c.path, _ITEMS.c.attempts)
        with self._engine.begin() as connection:
            rows = connection.execute(
                sa.select(*columns)
                .join(_JOBS)
                .where(_ITEMS.c.instance == self._instance, _ITEMS.c.state == QUEUED)
                .order_by(_JOBS.c.created, _ITEMS.c.job, _ITEMS.c.number)
                .limit(most)
            ).all()
            items = [Item(row.job, row.number, row.name, row.path, row.attempts + 1) for row in rows]
            for item in items:
                connection.execute(_of(item).values(state=RUNNING, attempts=item.attempts))
        return items

    def finish(self, item: Item, state: str, answer: dict[str, Any]) -> None:
        """Keeps what became of an item; a job that was deleted meanwhile stays deleted."""
        with self._engine.begin() as connection:
            values = {"state": state, "answer": json.dumps(answer), "finished": time.time()}
            connection.execute(_of(item).values(**values))

    def put_back(self) -> int:
        """Queues what a service of this name was running when it ended; how many that are."""
        with self._engine.begin() as connection:
            done = connection.execute(
                _ITEMS.update()
                .where(_ITEMS.c.instance == self._instance, _ITEMS.c.state == RUNNING)
                .values(state=QUEUED)
            )
            return done.rowcount

    def n_open(self) -> int:
        """Items of this instance that are not done."""
        with self._engine.connect() as connection:
            count = connection.execute(
                sa.select(sa.func.count())
                .select_from(_ITEMS)
                .where(_ITEMS.c.instance == self._instance, _ITEMS.c.state.in_(OPEN))
            ).scalar_one()
            return int(count)

    def open_uploads(self) -> set[str]:
        """`upload_name` of the items of this instance that are not done and came as uploads."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(_ITEMS.c.job, _ITEMS.c.number).where(
                    _ITEMS.c.instance == self._instance, _ITEMS.c.state.in_(OPEN), _ITEMS.c.path.is_(None)
                )
            )
            return {f"{job}-{number}" for job, number in rows}

    def job(self, job: str, offset: int, limit: int) -> dict[str, Any] | None:
        """A job with the items `offset` to `offset + limit`; None if there is none of this id."""
        with self._engine.connect() as connection:
            found = connection.execute(_JOBS.select().where(_JOBS.c.id == job)).one_or_none()
            if found is None:
                return None
            states = connection.execute(
                sa.select(_ITEMS.c.state, sa.func.count()).where(_ITEMS.c.job == job).group_by(_ITEMS.c.state)
            )
            counts = dict.fromkeys((QUEUED, RUNNING, SCORED, FAILED), 0) | {row[0]: row[1] for row in states}
            rows = connection.execute(
                _ITEMS.select()
                .where(_ITEMS.c.job == job)
                .order_by(_ITEMS.c.number)
                .offset(offset)
                .limit(limit)
            ).all()
        return {
            "id": job,
            "created": found.created,
            "state": "done" if counts[QUEUED] == counts[RUNNING] == 0 else "open",
            "counts": counts,
            "items": [
                {"number": row.number, "video_name": row.name, "state": row.state}
                | ({} if row.answer is None else {_ANSWERS[row.state]: json.loads(row.answer)})
                for row in rows
            ],
        }

    def delete(self, job: str) -> bool:
        """Forgets a job; whether there was one."""
        return self._delete(_JOBS.c.id == job) > 0

    def delete_done(self, before: float) -> int:
        """Forgets the jobs that were made before a time (seconds since 1970) and are done; how many."""
        still_open = sa.select(_ITEMS.c.job).where(_ITEMS.c.state.in_(OPEN))
        late = sa.select(_ITEMS.c.job).where(_ITEMS.c.finished >= before)
        return self._delete(
            sa.and_(_JOBS.c.created < before, _JOBS.c.id.not_in(still_open), _JOBS.c.id.not_in(late))
        )

    def _delete(self, which: sa.ColumnElement[bool]) -> int:
        with self._engine.begin() as connection:
            connection.execute(_ITEMS.delete().where(_ITEMS.c.job.in_(sa.select(_JOBS.c.id).where(which))))
            return connection.execute(_JOBS.delete().where(which)).rowcount


_ANSWERS = {SCORED: "result", FAILED: "problem"}


def _of(item: Item) -> sa.Update:
    return _ITEMS.update().where(_ITEMS.c.job == item.job, _ITEMS.c.number == item.number)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _without_password(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "the URL"
