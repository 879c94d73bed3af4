"""Labels, splits and the packed files that pass between the stages."""
