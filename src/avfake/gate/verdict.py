"""What is said of a figure, and of the whole comparison."""

from dataclasses import dataclass, field
from typing import Literal

from avfake.evaluation.metrics import Interval
from avfake.gate.revision import Figure, Revision
from avfake.gate.stages import Stale
from avfake.params import GateParams

State = Literal["lost", "worse", "undecided", "no worse", "better", "new", "not compared"]
Check = Literal["figure", "lost", "audit", "stages", "data", "scores"]


@dataclass(frozen=True)
class Kind:
    """A figure that is compared: its name in the metrics file, for people, its good side, its tolerance."""

    key: str
    title: str
    higher_is_better: bool
    tolerance: str

    def judge(self, interval: Interval, tolerance: float) -> State:
        """The state that the interval of head minus base shows.

        `worse`: the whole interval lies beyond the tolerance on the bad side. `better`: the whole of it lies
        on the good side of 0. `no worse`: none of it lies beyond the tolerance. `undecided`: any other.
        """
        low, high = (
            (interval.low, interval.high) if self.higher_is_better else (-interval.high, -interval.low)
        )
        if high < -tolerance:
            return "worse"
        if low > 0:
            return "better"
        return "no worse" if low >= -tolerance else "undecided"


KINDS = {
    kind.key: kind
    for kind in (
        Kind("auc_unseen", "AUC, forgeries never seen", True, "tolerance_auc"),
        Kind("auc", "AUC", True, "tolerance_auc"),
        Kind("auc_seen", "AUC, forgeries seen in training", True, "tolerance_auc"),
        Kind("auc_worst", "AUC, worst disturbance", True, "tolerance_auc"),
        Kind("eer", "EER", False, "tolerance_eer"),
        Kind("log_loss", "log loss", False, "tolerance_log_loss"),
        Kind("ece", "ECE", False, "tolerance_ece"),
    )
}

# Every figure of validation decides. The test split decides by its headline alone: each further figure that
# may veto a change is a further way in which the test split steers what is built.
TEST_DECIDES = frozenset({"auc_unseen"})


def decides(split: str, key: str) -> bool:
    """Whether a significant drop of this figure makes the gate fail, or is only shown."""
    return split == "val" or key in TEST_DECIDES


@dataclass(frozen=True)
class Row:
    """One figure of one split in two revisions.

    Attributes:
        split: `val` or `test`.
        file: metrics file without `.json`.
        key: name of the figure in it.
        base: as committed.
        head: as committed.
        difference: head minus base on the clips that both scored.
        interval: of the difference.
        tolerance: how far the figure may fall (or rise, where lower is better).
        state: what that shows.
        decides: whether `worse` makes the gate fail.
        n_real: clips that both scored and the figure is made of.
        n_fake: likewise.
        reason: why there is no difference or no interval, or what is lost.
    """

    split: str
    file: str
    key: str
    base: Figure
    head: Figure
    difference: float | None = None
    interval: Interval | None = None
    tolerance: float | None = None
    state: State = "not compared"
    decides: bool = False
    n_real: int | None = None
    n_fake: int | None = None
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether this row makes the gate fail."""
        return self.state == "lost" or (self.state == "worse" and self.decides)


@dataclass(frozen=True)
class Failure:
    """A reason for the gate to fail, as a sentence."""

    check: Check
    text: str


@dataclass(frozen=True)
class Clips:
    """How many clips of a split the comparison rests on."""

    split: str
    both: int
    only_base: int
    only_head: int
    relabelled: int


@dataclass
class Report:
    """Everything that was found.

    Attributes:
        base: the revision compared with.
        head: the revision judged.
        params: the section `gate` that was used.
        data_changed: whether changed data were announced.
        first: whether head was judged alone.
    """

    base: Revision
    head: Revision
    params: GateParams
    data_changed: bool
    first: bool
    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    clips: list[Clips] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was found that makes the gate fail."""
        return not self.failures
