"""The error that is written for the user to read."""


class BadInput(Exception):
    """Input that cannot be used: the message says what is wrong, what was got, what would be right.

    The command line prints only the message, writes nothing and exits with code 2.
    """


class DataMissing(BadInput):
    """A raw file that is absent and cannot be downloaded: the message says how to get it."""
