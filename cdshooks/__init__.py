"""Decision support for HER2-positive metastatic breast cancer beyond the standard lines, over CDS Hooks."""

__version__ = "0.1.0"
