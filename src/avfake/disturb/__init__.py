"""Clips as they arrive in practice: re-encoded, noisy, cut - the conditions of the stage `robustness`."""
