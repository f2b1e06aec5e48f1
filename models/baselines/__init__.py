"""The networks the field began with, small: an LSTM, a Transformer with absolute positions, a GAN of one-bar patterns.

They answer three lower voices to a melody, without the rules of the craft, so that a class can hear what the part
network and the rules add. None of them is used to play with.
"""
