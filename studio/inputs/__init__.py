"""What a person conducts with, apart from the page and the headset: OSC, MIDI, taps; and which of several conducts."""
