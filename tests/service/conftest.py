"""A service with a small detector, for all tests of a module."""

import pytest

from avfake.scoring import Scorer
from avfake.service.settings import Settings
from clips import make_clip
from served import served
from toy_detector import make_model


@pytest.fixture(scope="session")
def scorer(tmp_path_factory):
    return Scorer(make_model(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder of clips: real.mp4, fake.mp4, below/other.mp4, and links and files that must not be read."""
    folder = tmp_path_factory.mktemp("clips")
    make_clip(folder / "real.mp4", seconds=1.2, kind="speech", seed=1)
    make_clip(folder / "fake.mp4", seconds=1.5, kind="speech", seed=1, forgery="comb")
    make_clip(folder / "below/other.mp4", kind="speech", seed=2)
    outside = make_clip(tmp_path_factory.mktemp("outside") / "secret.mp4", kind="speech", seed=3)
    (folder / "link.mp4").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "inner.mp4").symlink_to(folder / "real.mp4")
    (folder / "text.mp4").write_text("no clip")
    return folder


@pytest.fixture(scope="module")
def settings(tmp_path_factory, clips):
    return Settings(state=tmp_path_factory.mktemp("state"), clips=clips)


@pytest.fixture(scope="module")
def server(settings, scorer):
    with served(settings, scorer) as running:
        yield running
