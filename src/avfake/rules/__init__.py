"""The contest's rules, each judged on the model, the data and the repository as they lie there."""
