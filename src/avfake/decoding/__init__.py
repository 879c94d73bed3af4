"""Clips of strangers, read in processes of their own that can do nothing else."""
