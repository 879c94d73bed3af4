"""All benchmarks, one after the other: python -m benchmarks [--require 15]."""

import sys

from benchmarks import bench_equality, bench_extract, bench_step, bench_training

if __name__ == "__main__":
    print("clip to picture, against the reference recipe")
    slow = bench_extract.main(sys.argv[1:])
    print("\npictures, against the reference recipe")
    wrong = bench_equality.main([])
    print("\nthe training loop, against the reference recipe's", flush=True)
    bench_training.main([])
    print("\na training step of the default detector")
    bench_step.main([])
    raise SystemExit(slow or wrong)
