"""Jobs: many clips by one request, kept until they are done, whatever happens to the service."""

import os
import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as dialects

from avfake.errors import UserError
from avfake.service.jobs.runner import MAX_ATTEMPTS, sweep
from avfake.service.jobs.store import FAILED, QUEUED, SCORED, TABLES, Item, JobStore
from avfake.service.settings import Settings
from postgresql import database, postgresql, programs
from served import served


@pytest.fixture(scope="module")
def postgresql_server():
    with postgresql(programs()) as url:
        yield url


# PostgreSQL where it is installed (Debian: apt-get install postgresql).
@pytest.fixture(params=["sqlite", "postgresql"] if programs() else ["sqlite"])
def url(request, tmp_path):
    """Of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    else:
        with database(request.getfixturevalue("postgresql_server"), "jobs") as found:
            yield found


@pytest.fixture
def store(url):
    store = JobStore(url, "main")
    yield store
    store.close()


def items(job: str, n: int = 3) -> list[Item]:
    return [Item(job, number, f"{number}.mp4", f"below/{number}.mp4") for number in range(n)]


def test_a_job_of_paths_has_the_answers_that_the_clips_have_alone(server, clips):
    taken = server.post_json("/v1/jobs", {"paths": ["real.mp4", "link.mp4", "below/other.mp4", "text.mp4"]})
    assert taken.status == 202
    assert taken.json()["n"] == 4
    assert taken.headers["location"] == taken.json()["url"]
    found = server.done(taken.json()["id"])
    assert found["counts"] == {"queued": 0, "running": 0, "scored": 2, "failed": 2}
    first, link, other, text = found["items"]
    assert first["result"] == server.score(clips / "real.mp4").json()
    assert link["problem"]["type"] == "/problems/not-found"
    assert other["video_name"] == "other.mp4"
    assert text["problem"]["type"] in ("/problems/unreadable", "/problems/not-media")


def test_a_job_of_uploads_leaves_no_file(server, settings, clips):
    data = [(name, (clips / name).read_bytes()) for name in ("real.mp4", "fake.mp4", "text.mp4")]
    taken = server.post_clips("/v1/jobs", *data).json()
    found = server.done(taken["id"])
    assert [item["video_name"] for item in found["items"]] == ["real.mp4", "fake.mp4", "text.mp4"]
    assert [item["state"] for item in found["items"]] == ["scored", "scored", "failed"]
    assert found["items"][1]["result"] == server.score(clips / "fake.mp4").json()
    assert list(settings.uploads.iterdir()) == []


def test_a_job_is_shown_in_pages_and_can_be_forgotten(server):
    job = server.post_json("/v1/jobs", {"paths": ["real.mp4"] * 5}).json()["id"]
    server.done(job)
    page = server.get(f"/v1/jobs/{job}?offset=2&limit=2").json()
    assert [item["number"] for item in page["items"]] == [2, 3]
    assert page["counts"]["scored"] == 5
    assert server.ask("DELETE", f"/v1/jobs/{job}").status == 204
    assert server.get(f"/v1/jobs/{job}").status == 404
    assert server.ask("DELETE", f"/v1/jobs/{job}").status == 404


def test_a_job_has_a_limited_number_of_clips(server, settings):
    answer = server.post_json("/v1/jobs", {"paths": ["real.mp4"] * (settings.job_items + 1)})
    assert (answer.status, answer.json()["type"]) == (400, "/problems/bad-request")
    assert server.post_json("/v1/jobs", {"paths": []}).status == 400


def test_waiting_clips_are_limited(tmp_path, scorer, clips):
    with served(Settings(state=tmp_path, clips=clips, open_items=1), scorer) as server:
        server.service.store.add([Item("other", 0, "a.mp4", None)])
        server.service.store.take(1)  # so that it stays open
        answer = server.post_json("/v1/jobs", {"paths": ["real.mp4"]})
        assert (answer.status, answer.json()["type"]) == (503, "/problems/queue-full")
        assert answer.headers["retry-after"] == "60"


def test_a_service_that_ended_goes_on_with_its_jobs(tmp_path, scorer, clips, url):
    settings = Settings(state=tmp_path, clips=clips, database=url)
    settings.uploads.mkdir()
    store = JobStore(settings.database_url, settings.instance)
    store.add([Item("job", 0, "real.mp4", "real.mp4"), Item("job", 1, "sent.mp4", None)])
    (settings.uploads / "job-1").write_bytes((clips / "fake.mp4").read_bytes())
    (settings.uploads / "left-0").write_bytes(b"of a job that is done")
    assert len(store.take(1)) == 1  # as if it was killed meanwhile
    store.close()
    with served(settings, scorer) as server:
        found = server.done("job")
        assert found["counts"]["scored"] == 2
        assert found["items"][1]["result"]["score"] == server.score(clips / "fake.mp4").json()["score"]
    assert list(settings.uploads.iterdir()) == []


def test_stopping_under_load_loses_no_job(tmp_path, scorer, clips, url):
    settings = Settings(state=tmp_path, clips=clips, database=url)
    taken: list[str] = []
    with served(settings, scorer) as server:

        def send():
            while not server.service.admission.stopping:
                try:
                    answer = server.post_json("/v1/jobs", {"paths": ["real.mp4", "fake.mp4"]})
                except OSError:
                    return
                if answer.status == 202:
                    taken.append(answer.json()["id"])

        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        while len(taken) < 8:
            time.sleep(0.01)
    for sender in senders:
        sender.join(30)
    with served(settings, scorer) as server:
        for job in taken:
            assert server.done(job)["counts"]["scored"] == 2


def test_a_clip_that_ends_the_service_again_and_again_is_given_up(tmp_path, scorer, clips):
    settings = Settings(state=tmp_path, clips=clips)
    store = JobStore(settings.database_url, settings.instance)
    store.add([Item("job", 0, "real.mp4", "real.mp4")])
    for _ in range(MAX_ATTEMPTS):
        assert store.take(1)
        store.put_back()
    store.close()
    with served(settings, scorer) as server:
        found = server.done("job")
        assert found["items"][0]["problem"]["type"] == "/problems/internal"


def test_items_are_taken_in_order_and_once(store):
    store.add(items("a"))
    store.add(items("b"))
    taken = store.take(4)
    assert [(item.job, item.number) for item in taken] == [("a", 0), ("a", 1), ("a", 2), ("b", 0)]
    assert [(item.job, item.number) for item in store.take(4)] == [("b", 1), ("b", 2)]
    assert store.take(4) == []
    assert store.n_open() == 6
    store.finish(taken[0], SCORED, {"score": 0.5})
    assert store.put_back() == 5
    assert store.n_open() == 5
    assert store.job("a", 0, 10)["items"][0] == {
        "number": 0,
        "video_name": "0.mp4",
        "state": SCORED,
        "result": {"score": 0.5},
    }


def test_instances_share_a_database_and_not_their_work(url):
    one, two = JobStore(url, "one"), JobStore(url, "two")
    one.add(items("a"))
    assert two.take(5) == []
    assert two.n_open() == 0
    assert two.put_back() == 0
    assert two.job("a", 0, 5)["counts"][QUEUED] == 3
    assert len(one.take(5)) == 3
    one.close()
    two.close()


def test_a_job_can_be_forgotten_while_its_clips_are_scored(store):
    store.add(items("a"))
    item = store.take(1)[0]
    assert store.delete("a")
    store.finish(item, SCORED, {"score": 0.5})
    assert store.job("a", 0, 10) is None
    assert store.n_open() == 0


def test_names_of_all_alphabets_and_long_answers_are_kept(store):
    store.add([Item("a", 0, "\N{SNOWMAN} '\";--\\ é.mp4", None)])
    answer = {"text": "\N{SNOWMAN}" * 10_000, "score": 0.123456}
    store.finish(store.take(1)[0], SCORED, answer)
    kept = store.job("a", 0, 10)["items"][0]
    assert (kept["video_name"], kept["result"]) == ("\N{SNOWMAN} '\";--\\ é.mp4", answer)
    assert store.open_uploads() == set()


def test_a_store_whose_database_went_away_says_so_and_comes_back(postgresql_server):
    with database(postgresql_server, "jobs") as url:
        store = JobStore(url, "main")
        assert store.answers()
        engine = sa.create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'jobs'")
            )
        engine.dispose()
        assert store.answers()  # on another connection
        store.add(items("a"))
        assert store.n_open() == 3
        store.close()
    assert not store.answers()


def test_only_old_jobs_that_are_done_are_forgotten(store):
    for job in ("done", "open"):
        store.add(items(job, 2))
    for item in store.take(2):
        store.finish(item, FAILED, {})
    assert store.delete_done(time.time() - 60) == 0
    assert store.delete_done(time.time() + 60) == 1
    assert store.job("done", 0, 1) is None
    assert store.job("open", 0, 1) is not None


def test_uploads_that_nobody_needs_are_removed(tmp_path):
    for name in ("a-0", "a-1", "b-0"):
        (tmp_path / name).write_bytes(b"x")
    assert sweep(tmp_path, {"a-1"}) == 2
    assert os.listdir(tmp_path) == ["a-1"]  # noqa: PTH208


def test_the_statements_are_postgresql_too():
    dialect = dialects.dialect()
    text = "".join(str(sa.schema.CreateTable(table).compile(dialect=dialect)) for table in TABLES)
    assert "avfake_job_items" in text
    assert sa.create_engine("postgresql+psycopg://user@host/name").dialect.name == "postgresql"


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////no/such/folder/x.sqlite", "mysql://user:secret@host/x"]
)
def test_a_database_that_cannot_be_opened_is_an_error_without_its_password(url):
    with pytest.raises(UserError, match="cannot be opened") as caught:
        JobStore(url, "main")
    assert "secret" not in str(caught.value)
