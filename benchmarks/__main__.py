"""All benchmarks, one after the other: python -m benchmarks [--require 15]."""

import sys
from pathlib import Path

from benchmarks import bench_equality, bench_extract, bench_score, bench_service, bench_step, bench_training

if __name__ == "__main__":
    print("clip to picture, against the reference recipe")
    slow = bench_extract.main(sys.argv[1:])
    print("\npictures, against the reference recipe")
    wrong = bench_equality.main([])
    print("\nthe training loop, against the reference recipe's", flush=True)
    bench_training.main([])
    print("\na training step of the default detector")
    bench_step.main([])
    if Path("models/model.json").is_file():
        print("\npath to score on one thread, against decoding and the bare model", flush=True)
        bench_score.main([])
        print("\nthe service at 16 clients, against the batch command", flush=True)
        bench_service.main([])
    else:
        print("\nscoring, service: not measured, there is no model in models/ (`dvc repro` or `dvc pull`)")
    raise SystemExit(slow or wrong)
