"""One module for each dataset. `rms.corpora.registry` finds whatever adapter stands in this folder."""
