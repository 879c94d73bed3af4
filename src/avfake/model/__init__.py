"""The detector: what it is, where its weights come from, how it is trained, saved and asked."""
