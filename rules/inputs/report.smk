# What the rules of the page are given: files and narrow slices of the settings.

galleries = {drawing.experiment: drawing for drawing in figures.values() if drawing.figure == "gallery"}


def gallery_runs():
    """The runs that the page shows: those of the galleries."""
    return [run for gallery in galleries.values() for run in runs_of(gallery, study)]


def gallery_options():
    """The options that name these runs, each with its experiment."""
    named = [(name, run) for name, gallery in galleries.items() for run in runs_of(gallery, study)]
    return " ".join(f"--runs {name}={run}" for name, run in named)
