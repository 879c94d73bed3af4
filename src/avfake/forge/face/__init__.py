"""Faces found, followed and forged, as pure functions of pictures."""
