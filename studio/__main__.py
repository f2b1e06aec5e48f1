"""``tutti``, and ``python -m tutti.studio``: the command line, which is not imported before Ctrl-C is heard."""

import sys


def main() -> None:
    """Entry point. Who stops it while it is still being loaded is told so in a line, as later on."""
    try:
        from ..engine.processes import signals_held

        with signals_held():
            from .cli import main as run
        run()
    except KeyboardInterrupt:
        print("tutti: stopped", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
