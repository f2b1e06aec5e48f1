"""How the rows of the part network's input tables are numbered, in torch and in numpy alike."""

from itertools import accumulate

from .controls import DENSITY, SIZES
from .grid import COUNTS, METRES, OLDEST, PLACES, SYMBOLS, VOICES

OFFSETS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32)
"""How many steps ahead given voices are looked at, where they are known."""
LEAP = 48
"""The largest interval to the pitch before that has odds of its own, in semitones."""

IN_AGE = VOICES * SYMBOLS
"""The backbone's table begins with what each voice sounds; here its age begins, and so on."""
IN_GIVEN = IN_AGE + VOICES * (OLDEST + 1)
IN_PLACE = IN_GIVEN + VOICES * 2
IN_COUNT = IN_PLACE + PLACES
IN_METRE = IN_COUNT + COUNTS
CONTROL_STARTS = tuple(accumulate(SIZES[:-1], initial=IN_METRE + METRES))
"""Where the codes of each control begin."""
INPUT_ROWS = CONTROL_STARTS[-1] + SIZES[-1]

OWN_AGE = SYMBOLS
"""The head's table for the answered voice begins with what it sounds; then its age, and the density asked of it."""
OWN_DENSITY = OWN_AGE + OLDEST + 1
OWN_ROWS = OWN_DENSITY + SIZES[DENSITY]
