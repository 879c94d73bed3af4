"""Forgeries held out of training as if nobody had seen them: groups of fakes, and real clips beside them."""
