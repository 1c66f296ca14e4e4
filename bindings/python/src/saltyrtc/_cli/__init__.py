"""The command: two people talk, and send each other files."""

from .program import main

__all__ = ["main"]
