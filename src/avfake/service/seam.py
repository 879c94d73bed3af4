"""The scorer as the service calls it."""

import avfake
from avfake.media.clip import ClipRow
from avfake.media.errors import ClipError
from avfake.model.inference import clip_score
from avfake.result import Result
from avfake.scoring import BATCH_SIZE, Scorer


class Judge(Scorer):
    """A scorer that judges rows."""

    def judge_row(self, row: ClipRow, name: str) -> Result:
        """The result of a clip that was read with `extract`. Raises ClipError."""
        score = clip_score(self.model.detector, self.look(row), BATCH_SIZE, self.device)
        return Result(
            video_name=name,
            score=score,
            label=None,
            threshold=None,
            probability=None,
            expected_fpr=None,
            windows=[],
            seconds=len(row.pcm) / 2 / row.sample_rate,
            model=f"{self.model.facts['sha256'][:12]} avfake {avfake.__version__}",
            warnings=[],
        )


def judge_rows(scorer: Judge, items: list[tuple[ClipRow, str]]) -> list[Result | ClipError]:
    """The results of rows and names. Each clip runs by itself, so that its score does not depend on its
    neighbours."""
    found: list[Result | ClipError] = []
    for row, name in items:
        try:
            found.append(scorer.judge_row(row, name))
        except ClipError as error:
            found.append(error)
    return found
