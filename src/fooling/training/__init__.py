"""Train classifiers: schedules, optimisers, streamed pictures, and several processes that train together."""
