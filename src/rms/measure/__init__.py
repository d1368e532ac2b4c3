"""Measuring judges: metrics, bootstrap intervals, and the quality of a training set across corpora."""
