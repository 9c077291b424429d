"""Commands: a file per command, named as the command, and the skeleton that runs them."""
