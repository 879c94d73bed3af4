"""One file per DVC stage, under the stage's name: it parses, calls and writes."""
