"""Train classifiers: optimisers, image schedules, streamed data sets, and distributed training."""
