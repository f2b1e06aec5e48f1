"""The craft of composition as data and rules: scales, chords, voice leading, and what a score shows of them."""
