"""Boot a stack, test and measure it, decide, and seal a signed certification report."""

__version__ = "0.1.0"
