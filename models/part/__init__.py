"""The part network: what it learns from, how it is trained, and how it runs."""
