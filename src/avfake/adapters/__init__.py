"""Public data sets, as they are published, turned into data roots without copying their clips.

A module per set reads its lists and says what each clip is (`adapter.Entry`); the rest is shared: `plan`
holds what is said against the files and the data contract, `splits` makes splits where a set has none,
`place` links the clips, `run` does it all, `registry` knows the sets.
"""
