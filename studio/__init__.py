"""The application: command line, composition root, sessions, recorder, relay and the page."""
