"""What judges learn from: our datasets and the training splits of others, in one shape and of one size."""

from rms.train_sets.pool import completed
from rms.train_sets.reading import TrainSet
from rms.train_sets.sampling import cut, drawing_order, rows_of_each
from rms.train_sets.sources import Member, Source, corpus_source, dataset_source, decontaminated
from rms.train_sets.writing import TrainSetFacts, read_facts, write_removed, write_train_set

__all__ = [
    "Member",
    "Source",
    "TrainSet",
    "TrainSetFacts",
    "completed",
    "corpus_source",
    "cut",
    "dataset_source",
    "decontaminated",
    "drawing_order",
    "read_facts",
    "rows_of_each",
    "write_removed",
    "write_train_set",
]
