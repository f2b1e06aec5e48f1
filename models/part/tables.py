"""How the rows of the part network's input tables are numbered, in torch and in numpy alike."""

from itertools import accumulate, combinations

from ..controls import DENSITY, SIZES
from ..grid import COUNTS, METRES, OLDEST, PLACES, SYMBOLS, VOICES

OFFSETS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32)
"""How many steps ahead given voices are looked at, where they are known."""
LEAP = 48
"""The largest interval to the pitches before that has odds of its own, in semitones."""
MOVE = 12
"""The largest melodic interval that is told apart."""
MOVES = 2 * MOVE + 2
"""Melodic intervals from −``MOVE`` to ``MOVE``, and none (where there is no pitch before or after it)."""
REACH = 24
"""The largest interval from the answered voice's pitch to another voice's that is told apart."""
REACHES = 2 * REACH + 2
PAIRS = tuple(combinations(range(VOICES), 2))
"""Each two voices, the higher one first."""
APART_LOW, APART_HIGH = -6, 36
"""Intervals between two voices that are told apart; negative where they have crossed."""
APARTS = APART_HIGH - APART_LOW + 2
FADES = (0.98, 0.995)
"""Share of what sounded that is remembered from step to step: for about three bars and for about twelve."""

IN_AGE = VOICES * SYMBOLS
"""The backbone's table begins with what each voice sounds; here its age begins, and so on."""
IN_GIVEN = IN_AGE + VOICES * (OLDEST + 1)
IN_PLACE = IN_GIVEN + VOICES * 2
IN_COUNT = IN_PLACE + PLACES
IN_METRE = IN_COUNT + COUNTS
CONTROL_STARTS = tuple(accumulate(SIZES[:-1], initial=IN_METRE + METRES))
"""Where the codes of each control begin."""
IN_CLASS = CONTROL_STARTS[-1] + SIZES[-1]
"""Which pitch classes sound, whoever plays them."""
IN_MOVE = IN_CLASS + 12
"""By which interval each voice came to its pitch."""
IN_APART = IN_MOVE + VOICES * MOVES
"""Which interval each two voices sound."""
INPUT_ROWS = IN_APART + len(PAIRS) * APARTS

OWN_AGE = SYMBOLS
"""The head's table for the answered voice begins with what it sounds; then its age, and the density asked of it."""
OWN_DENSITY = OWN_AGE + OLDEST + 1
OWN_MOVE = OWN_DENSITY + SIZES[DENSITY]
"""By which interval it came to its pitch."""
OWN_BEFORE = OWN_MOVE + MOVES
"""From its pitch to what each voice sounded before the step."""
OWN_NOW = OWN_BEFORE + VOICES * REACHES
"""From its pitch to what each voice sounds at the step; one more row where that is not known."""
OWN_CHORD = OWN_NOW + VOICES * (REACHES + 1)
"""Interval class that each two voices sound at the step; one more row where that is not known."""
OWN_ROWS = OWN_CHORD + len(PAIRS) * 13
KNOWN_MOVE = 2 * SYMBOLS
"""The head's table for a voice that is known begins with what it sounds, held or begun; then how it moves there."""
KNOWN_ROWS = KNOWN_MOVE + MOVES
