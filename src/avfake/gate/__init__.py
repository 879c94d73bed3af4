"""Is one revision's detector worse than another's? Figures, scores, labels, audit and stages, compared."""
