"""The search for parameters of training: ranges, a study that can be stopped, trials as experiments."""
