"""Stage `sample`: the default data set, real clips and forgeries, built from what packages ship.

Run by DVC as `python -m avfake.stages.sample` from the repository's root. Downloads go to .cache/sample,
once; writes data/sample: trainset/, valset/, testset/ and their label files, README.md.
"""

from pathlib import Path

from avfake.dataset.sample.build import build, fetch_ingredients
from avfake.params import MemoParams, ParallelParams, SampleParams, load
from avfake.stages._run import stage_main

OUTPUT = Path("data/sample")


def main() -> None:
    """Parses, calls, writes."""
    params = load(SampleParams)
    parallel, memo = load(ParallelParams), load(MemoParams)
    build(fetch_ingredients(), OUTPUT, params, parallel, memo)


if __name__ == "__main__":
    stage_main(main)
