"""What each front end costs, beside log-mel in the same run.

    python -m benchmarks.bench_front_ends [--seconds 6] [--rounds 15]

Prints milliseconds per second of sound, from kept sound to windows, and the median over the rounds of the
ratios to `log_mel`, with the settings of params.yaml. Front ends take turns, so that a busy machine slows
all alike. OMP_NUM_THREADS=1 gives the figures of one thread.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from tests.clips import speech

from avfake.params import ExtractParams, FeaturizeParams, load

ROOT = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="length of the clip")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    for name, times in measure(options.seconds, options.rounds).items():
        seconds, ratios = zip(*times, strict=True)
        cost = 1000 * statistics.median(seconds) / options.seconds
        print(
            f"{name:<12} {cost:6.2f} ms per second of sound  {statistics.median(ratios):5.2f} times log_mel"
        )
    return 0


def measure(seconds: float, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Front end -> per round, seconds that a clip took and that as a share of what log_mel took."""
    from avfake.features.front_ends import FRONT_ENDS, compute
    from avfake.media.pcm import to_pcm

    params = load(FeaturizeParams, ROOT / "params.yaml")
    rate = load(ExtractParams, ROOT / "params.yaml").sample_rate
    pcm, shift = to_pcm(speech(seconds, rate, 0))
    chosen = {name: params.model_copy(update={"front_end": [name]}) for name in FRONT_ENDS}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in chosen}
    for number in range(rounds + 1):
        took = {}
        for name, settings in chosen.items():
            start = time.perf_counter()
            compute(pcm, rate, settings, shift)
            took[name] = time.perf_counter() - start
        if number:  # the first round builds the filters
            for name, value in took.items():
                found[name].append((value, value / took["log_mel"]))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
