"""Figures, intervals, threshold and plot tables from labels and scores."""
