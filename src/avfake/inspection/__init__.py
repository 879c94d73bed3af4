"""What is in a data root before anybody trains on it: figures, a sheet of clips, one page."""
