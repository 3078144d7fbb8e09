# What the rules of retraining are given: files and narrow slices of the settings.

retrainings = {entry.name: entry for entry in study.settings.retraining}
numbered = {chain.network(number): (chain, number) for chain in study.chains.values() for number in chain.numbers}


def networks_in_chains(encoding):
    """Names of the networks of all chains that evolve images in this encoding."""
    return [name for name, (chain, _) in numbered.items() if chain.settings.encoding.kind == encoding]


def chains_filled_with(filled_with, *, encoding=None):
    """Names of the chains with this filling, and in this encoding if one is named."""
    return [
        name
        for name, chain in study.chains.items()
        if chain.filled_with == filled_with and encoding in (None, chain.settings.encoding.kind)
    ]


def chains_trained_on(pictures):
    """Names of the chains whose networks are trained on `kept` images, or on `all` pictures of a folder."""
    firsts = classifiers_trained_on(pictures)
    return [name for name, chain in study.chains.items() if chain.first in firsts]


def network_file(name):
    """The file of a network of a chain."""
    chain, number = numbered[name]
    return classifier_file(chain.first) if number == 1 else f"{study.results}/retraining/{name}.safetensors"


def runs_against(name, jobs):
    """The files of the runs that these jobs make against a network of a chain."""
    return [f"{study.results}/retraining/{name}/runs{job}.safetensors" for job in jobs]


def classifier_in_chain(wildcards):
    """The network of a chain that is to be fooled."""
    return network_file(wildcards.network)


def first_in_chain_of_network(wildcards):
    """The first network of the chain of a network, as a list of one name; all are built alike."""
    return [numbered[wildcards.network][0].first]


def evolution_in_chain(wildcards):
    """The settings of the runs against a network of a chain."""
    return as_json(numbered[wildcards.network][0].settings.evolution())


def seeds_in_chain(wildcards):
    """The options that name the seeds of one job."""
    chain, number = numbered[wildcards.network]
    block = chain.blocks(number)[int(wildcards.block)]
    return f"--first-seed {block.first_seed} --runs {block.runs}"


def dataset_of_chain(wildcards):
    """The data set that the networks of a chain are trained on."""
    return dataset_file(study.classifiers[study.chains[wildcards.chain].first].dataset)


def manifest_of_chain(wildcards):
    """The list of the pictures that the networks of a chain are trained on."""
    return manifest_of(study.chains[wildcards.chain].first)


def pictures_of_chain(wildcards):
    """The options that name the pictures that the networks of a chain are trained on."""
    return pictures_of(study.chains[wildcards.chain].first)


def first_in_chain(wildcards):
    """The first network of a chain, as a list of one name; all are built alike."""
    return [study.chains[wildcards.chain].first]


def supply_settings(wildcards):
    """How many runs supply fooling images after a network."""
    return as_json(supply(study.chains[wildcards.chain].settings, int(wildcards.number)).model_dump(mode="json"))


def runs_that_supply(wildcards):
    """The runs whose champions are fooling images."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    return runs_against(chain.network(number), jobs_for(supply(chain.settings, number).runs))


def paint_settings(wildcards):
    """How many random images of which encoding stand for the champions of a network."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    sizes = supply(chain.settings, number).model_dump(mode="json")
    seed = random_images_seed(chain.settings, chain.first, number)
    return as_json(sizes | {"encoding": chain.settings.evolution()["encoding"], "seed": seed})


def fooling_images_so_far(wildcards):
    """The fooling images that all networks before this one supplied."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    before = range(1, number) if chain.filled_with != "nothing" else ()
    return [f"{study.results}/retraining/{chain.name}/images{other}.safetensors" for other in before]


def retrain_settings(wildcards):
    """The settings of a retrained network: those of the first one with another seed, and its place in the chain."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    seed = network_seed(chain.settings, chain.first, number)
    network = study.classifiers[chain.first].section() | {"seed": seed}
    return as_json({"network": network, "first": chain.first, "filled_with": chain.filled_with, "number": number})


def retraining_files():
    """The files of all retrained networks and of the runs against them."""
    networks = [network_file(name) for name in numbered]
    runs = [runs_against(name, chain.blocks(number)) for name, (chain, number) in numbered.items()]
    return sum(runs, networks)
