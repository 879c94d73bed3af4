"""Where every training sample came from, checked: `avfake audit provenance`.

The manifest of derived clips is held against everything that it can be held against: the raw data, the
recipes, the tools, the lock files, what Git and DVC recorded, and clips that are made anew.
"""
