"""What would a study of this kind find? The same as `bayesmeta predict`."""

from environment import run

if __name__ == "__main__":
    run("predict")
