"""`python -m wslab`, for where the command itself is not on the path, as on Windows without an environment."""

from wslab.cli import app

if __name__ == "__main__":
    app(prog_name="wslab")
