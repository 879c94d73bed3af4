"""The hand-in: one archive of code, model, predictions, tables and report that checks itself from inside."""
