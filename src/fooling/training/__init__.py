"""Train classifiers: losses and optimisers, image schedules, streamed data sets."""
