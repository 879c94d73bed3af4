"""A PostgreSQL server of the tests' own, where the programs of one are installed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

SECONDS = 60
USER = "tests"


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`; Debian has them outside the PATH."""
    on_path = shutil.which("initdb")
    found = [] if on_path is None else [Path(on_path).resolve().parent]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((path for path in found if (path / "initdb").exists() and (path / "postgres").exists()), None)


@contextmanager
def postgresql(bin_folder: Path) -> Iterator[str]:
    """Runs a server that listens on a socket in its own folder alone; the URL of its database."""
    folder = Path(tempfile.mkdtemp(prefix="avfake-postgresql-"))
    # It refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    shutil.chown(folder, user)
    as_user: dict[str, Any] = {"cwd": folder} | ({"user": user} if os.geteuid() == 0 else {})
    data = folder / "data"
    options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"]
    try:
        initdb = [bin_folder / "initdb", "-D", data, *options]
        subprocess.run(initdb, check=True, capture_output=True, **as_user)
        with (folder / "log").open("wb") as log:
            # fsync off: nobody pulls the plug here.
            command = [bin_folder / "postgres", "-D", data, "-k", folder, "-h", "", "-F"]
            server = subprocess.Popen(command, stdout=log, stderr=log, **as_user)
        try:
            url = f"postgresql+psycopg://{USER}@/postgres?host={folder}"
            _wait(url, server, folder / "log")
            yield url
        finally:
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:  # it waits for connections to end
                server.send_signal(signal.SIGINT)
                server.wait(SECONDS)
    finally:
        shutil.rmtree(folder)


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """An empty database of the server, gone at the end; its URL."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
            yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    engine = sa.create_engine(url)
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            engine.connect().close()
            break
        except sa.exc.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
    engine.dispose()
