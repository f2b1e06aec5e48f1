"""What instruments sound like: SoundFonts, synthesised instruments, and sound sets made of either."""
