"""The addresses of the service, asked over a real socket."""

import json

import pytest

import avfake
from avfake.media.errors import ClipError
from avfake.service.problems import KINDS
from clips import BROKEN
from served import MULTIPART, form


def is_problem(answer, kind: str) -> bool:
    """Whether the answer is a problem document of this kind."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == answer.status == KINDS[kind].status, document
    assert document["type"] == f"/problems/{kind}", document
    assert document["title"] == KINDS[kind].title
    assert document["detail"]
    return True


@pytest.mark.parametrize("name", ["real.mp4", "fake.mp4"])
def test_an_uploaded_clip_has_the_score_that_the_scorer_gives_its_file(server, scorer, clips, name):
    answer = server.score(clips / name)
    assert answer.status == 200
    assert answer.json()["score"] == round(scorer.score(clips / name), 6)
    assert answer.json()["video_name"] == name


def test_a_path_below_the_folder_has_the_same_answer_as_the_upload(server, clips):
    by_path = server.post_json("/v1/score", {"path": "real.mp4"})
    assert by_path.status == 200
    assert by_path.json() == server.score(clips / "real.mp4").json()
    assert server.post_json("/v1/score", {"path": "below/other.mp4"}).json()["video_name"] == "other.mp4"


def test_an_answer_says_in_words_what_it_means(server, clips):
    answer = server.score(clips / "real.mp4").json()
    assert answer["model"].endswith(f"avfake {avfake.__version__}")
    assert answer["verdict"]
    assert "never met" in answer["uncertainty"]
    assert set(answer) >= {
        "label",
        "threshold",
        "probability",
        "expected_fpr",
        "windows",
        "warnings",
        "seconds",
    }


def test_an_explanation_has_curve_and_pictures(server, clips):
    answer = server.score(clips / "real.mp4", "?explain=true").json()
    explanation = answer["explanation"]
    assert explanation["score"] == answer["score"]
    assert explanation["sound"]["curve"][0]["begin"] == 0
    channel = explanation["pictures"]["channels"][0]
    assert channel["name"] == "log_mel"
    assert channel["plain"] != channel["heat"]
    assert "path" not in json.dumps(explanation)


OUTSIDE = [
    "../secret.mp4", "..", "/etc/passwd", "below/../real.mp4", "below//other.mp4", "./real.mp4", "", "a/",
    "link.mp4", "linked/secret.mp4", "inner.mp4", "below", "real.mp4\0", "no-such.mp4", "real.mp4/x",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leaves_the_folder(server, path):
    answer = server.post_json("/v1/score", {"path": path})
    assert answer.status in (400, 404)
    assert is_problem(answer, "bad-request" if answer.status == 400 else "not-found")
    assert server.post_json("/v1/jobs", {"paths": [path]}).status in (202, 400)


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_clip_is_a_problem_that_says_why(server, scorer, tmp_path, kind):
    clip = BROKEN[kind](tmp_path / "clip.mp4")
    answer = server.score(clip)
    try:
        expected = scorer.score(clip)
    except ClipError:
        assert answer.status in (415, 422)
        assert is_problem(answer, "not-media" if answer.status == 415 else "unreadable")
        assert answer.json()["video_name"] == "clip.mp4"
    else:
        assert answer.json()["score"] == round(expected, 6)


def test_a_name_is_only_shown(server, clips):
    data = (clips / "real.mp4").read_bytes()
    for name, shown in (("../../etc/passwd", "passwd"), ("C:\\x\\y.mp4", "y.mp4"), ("a\x07b.mp4", "ab.mp4")):
        assert server.post_clips("/v1/score", (name, data)).json()["video_name"] == shown


REQUESTS = [
    ("two files", form(("a.mp4", b"x"), ("b.mp4", b"x")), MULTIPART),
    ("no file", form(), MULTIPART),
    ("no boundary", form(("a.mp4", b"x")), "multipart/form-data"),
    ("half a form", form(("a.mp4", b"x" * 1000))[:500], MULTIPART),
    ("no json", b"{", "application/json"),
    ("another key", b'{"file": "real.mp4"}', "application/json"),
    ("a number", b'{"path": 1}', "application/json"),
    ("nothing", b"", "application/json"),
    ("deep json", b"[" * 100_000, "application/json"),
    ("bytes", bytes(range(256)), "application/octet-stream"),
]


@pytest.mark.parametrize(
    ("body", "content_type"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS]
)
def test_a_malformed_request_is_a_problem(server, body, content_type):
    assert is_problem(server.ask("POST", "/v1/score", body, {"Content-Type": content_type}), "bad-request")


def test_a_parameter_that_is_none_is_a_problem(server, clips):
    answer = server.score(clips / "real.mp4", "?explain=perhaps")
    assert is_problem(answer, "bad-request")
    assert answer.json()["errors"][0]["where"] == "query/explain"


def test_an_unknown_address_or_method_is_a_problem_document(server):
    assert is_problem(server.get("/v1/nothing"), "not-found")
    answer = server.get("/v1/score")
    assert (answer.status, answer.headers["content-type"]) == (405, "application/problem+json")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(server, settings):
    head = {"Content-Type": MULTIPART, "Content-Length": str(settings.limits.max_bytes + 2**20)}
    assert is_problem(server.ask("POST", "/v1/score", b"", head), "too-large")


def test_a_document_that_is_too_large_is_refused(server):
    body = b'{"path": "' + b"x" * 2**21 + b'"}'
    answer = server.ask("POST", "/v1/score", body, {"Content-Type": "application/json"})
    assert is_problem(answer, "too-large")


def test_a_page_of_another_site_cannot_send_clips(server, clips):
    data = (clips / "real.mp4").read_bytes()
    for origin in ("http://example.org", "null"):
        assert is_problem(server.post_clips("/v1/score", ("a.mp4", data), Origin=origin), "forbidden")
    own = server.post_clips("/v1/score", ("a.mp4", data), Origin=f"http://127.0.0.1:{server.port}")
    assert own.status == 200


def test_health_and_figures(server, clips):
    assert server.get("/healthz").json() == {"status": "alive"}
    ready = server.get("/readyz")
    assert ready.status == 200
    assert ready.json()["ready"] is True
    server.score(clips / "real.mp4")
    text = server.get("/metrics").body.decode()
    assert 'avfake_requests_total{method="POST",route="/v1/score",status="200"}' in text
    assert 'avfake_clips_total{outcome="scored"}' in text
    assert "avfake_waiting 0.0" in text
    assert 'avfake_step_seconds_count{step="read"}' in text


def test_every_kind_of_problem_has_a_page(server):
    for kind, said in KINDS.items():
        answer = server.get(f"/problems/{kind}")
        assert answer.status == 200
        assert said.title in answer.body.decode()
    assert is_problem(server.get("/problems/none"), "not-found")


def test_openapi_has_examples_that_are_as_declared(server):
    found = server.get("/openapi.json").json()
    assert set(found["paths"]) >= {
        "/v1/score",
        "/v1/jobs",
        "/v1/jobs/{job}",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    post = found["paths"]["/v1/score"]["post"]
    example = post["responses"]["200"]["content"]["application/json"]["example"]
    declared = found["components"]["schemas"]["Answer"]["properties"]
    assert set(example) == set(declared) - {"explanation"}
    assert set(post["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    assert "application/problem+json" in post["responses"]["503"]["content"]


def test_every_answer_forbids_what_a_page_does_not_need(server):
    for path in ("/", "/healthz", "/v1/nothing", "/problems/unreadable"):
        headers = server.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
