"""AI parts in the studio: written, performed, compared, and liked."""
