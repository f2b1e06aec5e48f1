"""Words for what can be asked of the AI player in numbers, as the command line and learners' preferences use them."""

DENSITIES = {"sparse": 0.4, "calm": 0.75, "even": 1.0, "lively": 2.0, "busy": 3.25}
"""Onsets per quarter of an answered part."""
REGISTERS = {"low": -1.0, "middle": 0.0, "high": 1.0}
"""Within the instrument's comfortable range."""
COMPLEXITIES = {"plain": 0.1, "mild": 0.35, "rich": 0.6, "richest": 0.9}
"""Share of the chords that are no plain triads."""
TEMPERATURES = {"cautious": 0.4, "usual": 0.6, "daring": 0.85, "wild": 1.1}
