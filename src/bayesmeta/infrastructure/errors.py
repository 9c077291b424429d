"""The one error that a user is meant to read."""


class BadInput(Exception):
    """What the user gave cannot be used: the message says what is wrong, what was got, what would be right.

    The command line prints it alone, writes nothing and exits with code 2.
    """


class DataMissing(BadInput):
    """A raw file is neither here nor to be downloaded: the message says the ways to get it."""
