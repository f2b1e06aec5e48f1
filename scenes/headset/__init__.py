"""A PC headset: its process, its poses and presses, and the picture that it shows."""
