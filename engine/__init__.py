"""The simulation: score, gesture, tempo, follower, expression, scheduler, placement, room and sound.

No window, no network and no torch in here; ``engine`` imports none of the other packages.
"""
