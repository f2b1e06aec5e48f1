"""In the hall with hands: pointing, grabbing and menus, the same for the window, the page and headsets.

Pure: pointers in, what is to be drawn and what was asked for out; no clock is read and no device opened.
"""
