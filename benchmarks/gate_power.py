"""How often does the gate fail when nothing changed, and how often when the AUC really fell by 0.1?

    python -m benchmarks.gate_power [--trials 300] [--n-bootstrap 300]

Two detectors score the same synthetic clips. A clip's score (its logit) is the class, plus what makes the
clip hard for both, plus what is the detector's own; where there are sources, each detector also errs by
source. In the cases without a drop both are equally good, so that whatever differs is noise (a training with
another seed). In the others the head's separation is so much weaker that its true AUC is 0.1 lower.

Every figure is judged as the gate judges it, with the tolerances of params.yaml. "any" is the share of trials
in which at least one figure made the gate fail.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from avfake.gate import difference
from avfake.gate.difference import Method
from avfake.gate.pairs import Pair
from avfake.gate.verdict import KINDS
from avfake.params import EvaluateParams, GateParams, load

AUC = 0.85
# Standard deviation of a detector's own error by source, in standard deviations of the score.
BY_SOURCE = 0.15

FIGURES = {
    "auc": difference.auc,
    "eer": difference.eer,
    "log_loss": difference.log_loss,
    "ece": difference.ece,
}


@dataclass(frozen=True)
class Case:
    """One kind of comparison.

    Attributes:
        name: for people.
        n: clips, half of them fake.
        sources: 0 where none is known.
        drop: by how much the head's true AUC is lower.
        shared: share of the score's variance within a class that the clip brings, not the detector.
    """

    name: str
    n: int
    sources: int
    drop: float
    shared: float = 0.8


CASES = (
    Case("noise, 200 clips", 200, 0, 0.0),
    Case("noise, 80 clips", 80, 0, 0.0),
    Case("noise, 1000 clips", 1000, 0, 0.0),
    Case("noise, 200 clips, 20 sources", 200, 20, 0.0),
    Case("noise, 80 clips, 2 sources", 80, 2, 0.0),
    Case("noise, 200 clips, half shared", 200, 0, 0.0, 0.5),
    Case("drop of 0.1, 200 clips", 200, 0, 0.1),
    Case("drop of 0.1, 80 clips", 80, 0, 0.1),
    Case("drop of 0.1, 1000 clips", 1000, 0, 0.1),
    Case("drop of 0.1, 200 clips, 20 sources", 200, 20, 0.1),
    Case("drop of 0.1, 200 clips, half shared", 200, 0, 0.1, 0.5),
)


def draw(case: Case, rng: np.random.Generator) -> Pair:
    """One pair of score files: half real, half fake, two detectors on the same clips."""
    target = np.arange(case.n) % 2
    source = np.arange(case.n) // 2 % max(1, case.sources)
    hard = np.sqrt(case.shared) * rng.normal(size=case.n)
    scores = []
    for auc in (AUC, AUC - case.drop):
        # Two normal classes, standard deviation 1, d apart: AUC = Phi(d / sqrt 2).
        apart = np.sqrt(2) * norm.ppf(auc)
        own = np.sqrt(1 - case.shared) * rng.normal(size=case.n)
        if case.sources:
            own += BY_SOURCE * rng.normal(size=case.sources)[source]
        # The log likelihood ratio of the two classes: a calibrated probability.
        scores.append(expit(apart * (apart * (target - 0.5) + hard + own)))
    names = [f"s{number}" if case.sources else None for number in source]
    return Pair(target, scores[0], scores[1], names, [None] * case.n, (), (), ())


def shares(case: Case, trials: int, gate: GateParams, method: Method) -> dict[str, float]:
    """Share of trials in which each figure, and any of them, made the gate fail."""
    failed = {name: np.zeros(trials, dtype=bool) for name in FIGURES}
    for trial in range(trials):
        clips = draw(case, np.random.default_rng([method.seed, trial]))
        for name, function in FIGURES.items():
            _, interval = function(clips, method, name)
            tolerance = getattr(gate, KINDS[name].tolerance)
            failed[name][trial] = KINDS[name].judge(interval, tolerance) == "worse"
    every = {name: float(values.mean()) for name, values in failed.items()}
    return every | {"any": float(np.any(list(failed.values()), axis=0).mean())}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table; returns 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--n-bootstrap", type=int, default=300)
    options = parser.parse_args(arguments)
    gate = load(GateParams)
    bins = load(EvaluateParams).calibration_bins
    method = Method(gate.confidence, options.n_bootstrap, bins, gate.seed)
    print(f"share of {options.trials} trials that fail, true AUC of the base {AUC}")
    names = [*FIGURES, "any"]
    print(f"{'':<36}" + "".join(f"{name:>10}" for name in names))
    for case in CASES:
        found = shares(case, options.trials, gate, method)
        print(f"{case.name:<36}" + "".join(f"{found[name]:>10.3f}" for name in names), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
