"""The picture: hall, players, hands and baton, score stand, desktop window and headset (Panda3D)."""
