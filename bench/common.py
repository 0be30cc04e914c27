"""What every bench begins and ends with."""

import datetime
import pathlib
import signal
import sys

from servers import BenchError

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


def speaker(name):
    """A function that says under this name how far the bench is."""
    return lambda text: print(f"{name}: {text}", file=sys.stderr, flush=True)


def stamp():
    """The present minute, as results have it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def run(main, say):
    """Runs a bench to its end; what could not be measured, or a stop, is its exit status."""
    # A stop from outside unwinds like any error, so that the servers go first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except BenchError as error:
        say(error)
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
