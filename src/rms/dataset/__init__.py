"""From candidates to a published dataset: selection, decontamination, files, statistics and card."""
