"""The page that answers back: the posterior integrated again in a reader's browser."""
