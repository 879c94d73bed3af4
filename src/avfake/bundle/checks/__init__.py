"""What `check.py` is made of. Only the standard library: a bundle is checked where nothing is installed."""
