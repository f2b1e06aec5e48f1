"""From performed notes to two ears: players, voices, directions, hall, limiter; live and offline."""
