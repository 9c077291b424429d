"""What does a folder of results say? Five sentences, and a supplement: the same as `bayesmeta interpret`."""

from environment import run

if __name__ == "__main__":
    run("interpret")
