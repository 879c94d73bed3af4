"""What every test run needs, whatever the folder."""

import os

# Two test processes share the cores: a thread pool per core in each of them only makes them wait.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# A test never reaches for a model hub, a GPU or a window.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["MPLBACKEND"] = "agg"
