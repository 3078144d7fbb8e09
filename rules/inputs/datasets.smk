# What the rules of data sets are given: files and narrow slices of the settings.


def datasets_of_kind(kind):
    """Names of the study's data sets of this kind."""
    return [name for name, dataset in study.datasets.items() if dataset.kind == kind]


def dataset_file(name):
    """The file of a data set."""
    return f"results/datasets/{name}.safetensors"


def dataset_files():
    """The files of all data sets."""
    return [dataset_file(name) for name in study.datasets]


def dataset_settings(wildcards):
    """The settings of a data set."""
    return as_json(study.datasets[wildcards.dataset].section())


def pictures_seen(wildcards):
    """What tells that pictures changed, without reading them: of a folder their paths and sizes, of a tar file its size.

    Of ImageNet's million pictures the sizes are not looked at. Where nothing is, the command says so.
    """
    dataset = study.datasets[wildcards.dataset]
    place = place_of(dataset.path)
    if place is None or place.is_file():
        return "nothing" if place is None else f"{place.stat().st_size} bytes"
    seen = hashlib.sha256()
    for folder, folders, names in os.walk(place):
        folders.sort()
        files = [os.path.join(folder, name) for name in sorted(names)]
        sizes = [os.path.getsize(file) for file in files if os.path.isfile(file)] if dataset.kind == "folder" else []
        seen.update(as_json([os.path.relpath(folder, place), sorted(names), sizes]).encode())
    return seen.hexdigest()


def classes_seen(wildcards):
    """A hash of the list of ImageNet's classes; where there is none, the command says so."""
    place = place_of(study.datasets[wildcards.dataset].class_list)
    return hashlib.sha256(place.read_bytes()).hexdigest() if place and place.is_file() else "nothing"


def place_of(path):
    """Where files that a study names are, here or below the mirror folder; None where they are in neither place."""
    mirror = os.getenv(MIRROR_VARIABLE)
    try:
        place = found_path(path, mirror and Path(mirror))
    except FoolingError:
        return None
    return place if place.exists() else None
