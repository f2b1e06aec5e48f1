"""Reading scores: files and music21 in, the flat arrays of ``engine.score`` out, kept compiled on disk."""
