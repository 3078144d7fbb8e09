# What the rules of networks are given: files and narrow slices of the settings.


def classifiers_of_kind(kind):
    """Names of the study's classifiers of this kind: `trained`, `imported` or `ensemble`."""
    return [name for name, classifier in study.classifiers.items() if classifier.kind == kind]


def classifiers_trained_on(pictures):
    """Names of the study's own classifiers that are trained on `kept` images, or on `all` pictures of a folder."""
    own = {name: study.classifiers[name] for name in classifiers_of_kind("trained")}
    return [name for name, classifier in own.items() if classifier.training.pictures == pictures]


def classifier_file(name):
    """The file of a classifier."""
    return f"{study.results}/classifiers/{name}.safetensors"


def classifier_files():
    """The files of all classifiers."""
    return [classifier_file(name) for name in study.classifiers]


def classifier_settings(wildcards):
    """The settings of a classifier."""
    return as_json(study.classifiers[wildcards.classifier].section())


def dataset_of_classifier(wildcards):
    """The data set that a classifier is trained or tested on."""
    return dataset_file(study.classifiers[wildcards.classifier].dataset)


def manifest_of(name):
    """The list of the pictures that a classifier is trained on."""
    return f"results/datasets/{study.classifiers[name].dataset}.pictures.csv"


def pictures_of(name):
    """The options that name the pictures that a classifier is trained on."""
    section = study.datasets[study.classifiers[name].dataset].section()
    return f"--pictures {shlex.quote(as_json({'dataset': section}))} --manifest {manifest_of(name)}"


def manifest_of_classifier(wildcards):
    """The list of the pictures that the classifier is trained on."""
    return manifest_of(wildcards.classifier)


def pictures_of_classifier(wildcards):
    """The options that name the pictures that the classifier is trained on."""
    return pictures_of(wildcards.classifier)


def weights_of_classifier(wildcards):
    """The file of weights of an imported classifier, here or below the mirror folder; torchvision's own are no file."""
    classifier = study.classifiers[wildcards.classifier]
    return [] if classifier.published_set is not None else str(place_of(classifier.weights) or classifier.weights)


def members_of_ensemble(wildcards):
    """The networks that an ensemble is made of."""
    return [classifier_file(name) for name in study.classifiers[wildcards.classifier].members]


def architectures_of(name):
    """The architectures of a classifier and, of an ensemble, its members."""
    classifier = study.classifiers[name]
    members = classifier.members if classifier.kind == "ensemble" else []
    return [classifier.architecture] + sum([architectures_of(member) for member in members], [])


def fingerprint(command, classifiers=None):
    """The fingerprint of a command; of one that builds networks a params function: `classifiers` names whose they are."""
    if classifiers is None:
        return fingerprint_of(command)

    def of_command_and_networks(wildcards):
        sources = {architecture_source(each) for name in classifiers(wildcards) for each in architectures_of(name)}
        return fingerprint_of(command, *sorted(source for source in sources if isinstance(source, str)))

    return of_command_and_networks


def network_files(classifiers):
    """The input function that gives the user's files that build the networks of these classifiers, mostly none."""

    def files(wildcards):
        sources = {architecture_source(each) for name in classifiers(wildcards) for each in architectures_of(name)}
        return sorted(str(source) for source in sources if isinstance(source, Path))

    return files


def own_files(wildcards, input):
    """The options that name the user's files of those networks whose classifier files are inputs; mostly none."""
    built_as = {classifier_file(name): name for name in study.classifiers}
    built_as |= {network_file(name): chain.first for name, (chain, _) in (numbered | refusing).items()}
    named = {each for file in input if file in built_as for each in architectures_of(built_as[file])}
    return " ".join(f"--architecture {shlex.quote(each)}" for each in sorted(named) if names_a_file(each))


def the_classifier(wildcards):
    """The classifier that a rule is about, as a list of one name."""
    return [wildcards.classifier]
