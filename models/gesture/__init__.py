"""Training of the network that reads gesture."""
