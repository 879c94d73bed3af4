"""Whether a detector can win without telling real from fake: shortcuts in the data, clips in two splits."""
