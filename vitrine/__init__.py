"""The application: command line, settings, and the one place where parts are wired together."""

__version__ = "0.1.0"
