"""Telling what was measured: tables, curves, figures, the HTML page and the summary of a run."""
