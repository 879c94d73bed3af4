"""One file per DVC stage, under the stage's name: it parses, calls and writes."""

import os

# Each stage is a process of its own, often on a machine that others use too. OpenMP threads that spin while
# they wait for each other take the core from the one that has work: at three times as many busy processes as
# cores, training was 2.6 times slower for it, where a quiet machine loses 7 % (benchmarks/bench_step.py).
# It is read when torch is loaded, hence here; it changes no result.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
