"""Programs that a notebook starts beside its kernel: they end with it, whatever kills it, and leave nothing."""

from wslab.keeping.kept import Kept, new_folder

__all__ = ["Kept", "new_folder"]
