"""From poses to score position: takes, icti, tempo, the follower, dynamics, and a virtual conductor."""
