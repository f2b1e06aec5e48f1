"""Colours that whatever is written over the hall has in common."""

from .sheet import Colour

IVORY: Colour = (0.96, 0.93, 0.88, 1)
GOLD: Colour = (0.88, 0.73, 0.47, 1)
DARK: Colour = (0.11, 0.07, 0.03, 1)
