"""Fit a model: the same as `bayesmeta fit`."""

import sys

from bayesmeta.cli import main

if __name__ == "__main__":
    main(["fit", *sys.argv[1:]])
