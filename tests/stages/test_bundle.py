"""The hand-in: the same bytes twice, complete, sound in an empty folder, and refused where it cannot be."""

import json
import shutil
from pathlib import Path

import pytest

import bundled
from avfake.bundle import make
from avfake.errors import RunError, UserError
from bundled import Handed, unpack
from inspected import Page
from workspace import once, set_params


@pytest.fixture(scope="module", autouse=True)
def _rules():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "judged", bundled.judged)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Repository, bundle and the bundle unpacked, only to be read."""
    return once(tmp_path_factory, "bundled", bundled.make_all)


@pytest.fixture(scope="module")
def place(made) -> Handed:
    return Handed(made / "repository")


@pytest.fixture(scope="module")
def whole(made) -> Path:
    return made / "whole"


def test_two_bundles_of_one_commit_have_the_same_bytes_whatever_lies_beside(made, place, tmp_path):
    copy = place.copy(tmp_path / "elsewhere")
    copy.write("untracked.txt", "not part of the commit\n")
    for path in copy.folder.rglob("*.py"):
        path.touch()
    bundled.bundled(copy, tmp_path / "second.tar.gz")
    assert (tmp_path / "second.tar.gz").read_bytes() == (made / "first.tar.gz").read_bytes()


def test_it_passes_its_check_in_an_empty_folder_and_the_check_leaves_no_trace(made, tmp_path):
    folder = unpack(made / "first.tar.gz", tmp_path)
    before = sorted(folder.rglob("*"))
    done = bundled.check(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAILED" not in done.stdout
    assert sorted(folder.rglob("*")) == before
    done = bundled.check(folder)
    assert done.returncode == 0


def test_what_is_inside(whole):
    names = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    documents = (
        "REPORT.md REPORT.html MODEL_CARD.md README.md SHA256SUMS check.py tools.json tools.md rules.json"
    )
    assert names >= {*documents.split(), "labels.csv", "pictures/auc.svg", "pictures/roc.svg"}
    project = (
        "params.yaml dvc.yaml dvc.lock requirements.lock models/model.safetensors models/model.json "
        "data/predictions/prediction.csv data/augmented/manifest.parquet data/augmented/skipped.csv "
        "data/robustness/scores.csv metrics/evaluate.json metrics/augment_notes.json"
    )
    assert names >= {f"project/{name}" for name in project.split()}
    assert "project/data/augmented/trainset/louder-0-x.mp4" not in names
    assert not [name for name in names if name.startswith("project/data/extracted")]
    assert (whole / "project/code/run.sh").stat().st_mode & 0o777 == 0o755
    assert (whole / "check.py").stat().st_mode & 0o777 == 0o644


def test_a_figure_that_is_null_stands_in_the_report_with_its_reason(whole):
    text, page = (whole / "REPORT.md").read_text(), Page((whole / "REPORT.html").read_text())
    assert f"| TPR at FPR 0.1 % | none: {bundled.WHY} |" in text
    assert page.row("TPR at FPR 0.1 %") == [f"none: {bundled.WHY}"]
    assert page.row("EER") == ["none: the run gave no reason"]
    assert page.row("minDCF") == ["none: metrics/evaluate.json does not hold it"]
    assert "none: no fake whose generator was in training" in page.row("test")
    for cells in page.rows:
        assert all(cell.strip() for cell in cells[1:]), f"a cell is blank: {cells}"
    assert page.row("blur")[0] == "none: blur: no clip"
    assert "Not audited: metrics/audit.json is not part of this commit" in page.text


def test_the_report_says_the_figures_of_the_metrics_unseen_forgeries_first(whole):
    figures = json.loads((whole / "project/metrics/evaluate_test.json").read_text())
    page = Page((whole / "REPORT.html").read_text())
    assert page.row("test")[0] == f"{figures['auc_unseen']:.3f} (0.123 to 0.988)"
    assert page.rows[0][1] == "forgeries never seen"
    assert page.row("parameters") == ["fail", "201 M"]
    assert page.row("louder")[0] == "gain"
    assert page.row(bundled.ODD)[0] == "yes"
    card = (whole / "MODEL_CARD.md").read_text()
    assert f"never seen in training {figures['auc_unseen']:.3f} (0.123 to 0.988)" in card
    assert "MIT License" in card
    assert "parameters.\nIt is an ensemble: the mean of 2 detectors (bagging: `clips`).\n\n## What" in card
    assert (
        f"\n- Learned, beside the labels, the scores of a teacher of 3 detectors, SHA-256 `{'ab' * 32}`"
        in card
    )


def test_the_page_asks_for_nothing_and_a_name_does_not_steer_it(whole):
    page = Page((whole / "REPORT.html").read_text())
    assert not page.all("script")
    sources = [attributes["src"] for attributes in page.all("img")]
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert all(attributes["href"].startswith("#") for attributes in page.all("a"))
    assert not page.all("link")
    assert "url(" not in page.style
    assert bundled.ODD in page.text
    policy = page.all("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; img-src data:")


def test_uncommitted_changes_are_refused_by_name_and_allowed_only_with_a_mark(place, tmp_path):
    copy = place.copy(tmp_path / "dirty")
    copy.write("LICENSE", "Another\n")
    with pytest.raises(UserError, match="1 files are not as they are committed:\n  LICENSE"):
        bundled.bundled(copy, tmp_path / "no.tar.gz")
    assert not (tmp_path / "no.tar.gz").exists()
    made = bundled.bundled(copy, tmp_path / "marked.tar.gz", allow_dirty=True)
    assert made.uncommitted == ("LICENSE",)
    folder = unpack(tmp_path / "marked.tar.gz", tmp_path / "marked")
    assert (folder / "project/LICENSE").read_text() == "MIT License\n"
    report = (folder / "REPORT.md").read_text()
    assert "Not reproducible" in report
    assert "`LICENSE`" in report
    done = bundled.check(folder)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "FAILED" in line] == [
        "FAILED  commit    not reproducible: made beside uncommitted changes in LICENSE"
    ]


def test_stages_that_are_out_of_date_are_refused_by_name(place, tmp_path):
    copy = place.copy(tmp_path / "stale")
    set_params(copy.folder, {"train.epochs": 9})
    copy.write("code/robustness.py", "# changed\n")
    copy.write("data/predictions/prediction.csv", "video_name,score\nval0.mp4,0.5\n")
    copy.commit()
    with pytest.raises(UserError) as error:
        bundled.bundled(copy, tmp_path / "no.tar.gz")
    text = error.value.message
    for name in ("train: ", "predict: ", "evaluate: ", "robustness: "):
        assert name in text, text
    assert "augment" not in text


def test_code_that_was_run_and_never_committed_is_found_before_anything_is_written(place, tmp_path):
    copy = place.copy(tmp_path / "hidden")
    copy.write(".gitignore", "/plots\n/models\n*.tar.gz\nhidden.py\n")
    copy.write("code/shared/hidden.py", "# read by a stage, unknown to Git\n")
    copy.record()
    copy.commit()
    with pytest.raises(RunError, match="project/code/shared: recorded"):
        bundled.bundled(copy, tmp_path / "no.tar.gz")
    assert list(tmp_path.glob("*.tar.gz*")) == []


def test_without_model_or_figures_or_repository_there_is_no_bundle(place, tmp_path):
    copy = place.copy(tmp_path / "bare")
    (copy.folder / "models/model.safetensors").unlink()
    with pytest.raises(UserError, match=r"there is no model: models/model\.safetensors"):
        bundled.bundled(copy, tmp_path / "no.tar.gz")
    copy.write(".gitignore", "/plots\n/models\n/metrics\n")
    copy.git("rm", "-q", "--cached", "metrics/evaluate.json", "metrics/robustness.json")
    copy.commit()
    shutil.copy(place.folder / "models/model.safetensors", copy.folder / "models/model.safetensors")
    with pytest.raises(UserError, match=r"not committed: metrics/evaluate\.json, metrics/robustness\.json"):
        bundled.bundled(copy, tmp_path / "no.tar.gz")
    with pytest.raises(UserError, match="not a Git repository"):
        make.make(tmp_path, tmp_path / "no.tar.gz", False)
    assert list(tmp_path.glob("*.tar.gz*")) == []


def test_what_a_bundle_cannot_hold_is_refused_by_name(place, tmp_path):
    copy = place.copy(tmp_path / "linked")
    (copy.folder / "code/link.py").symlink_to("train.py")
    copy.commit()
    with pytest.raises(UserError, match=r"code/link\.py: a symbolic link"):
        bundled.bundled(copy, tmp_path / "no.tar.gz")
    copy.git("rm", "-q", "code/link.py")
    copy.write("src/avfake/errors.py", "# of another version\n")
    copy.commit()
    with pytest.raises(UserError, match=r"not this commit's: 1 files differ:\n  src/avfake/errors\.py"):
        bundled.bundled(copy, tmp_path / "no.tar.gz")
