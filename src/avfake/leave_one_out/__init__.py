"""Leave-one-generator-out cross-validation: each way of forging scored by a detector that never met it."""
