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
    """What tells that a folder's pictures changed, without reading them: a hash of their paths and sizes."""
    folder = Path(study.datasets[wildcards.dataset].path)
    found = sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(as_json(found).encode()).hexdigest()
