# What the rules of retraining are given: files and narrow slices of the settings.

retrainings = {entry.name: entry for entry in study.settings.retraining}
numbered = {chain.network(number): (chain, number) for chain in study.chains.values() for number in chain.numbers}
refusing = {
    chain.refusing: (chain, chain.settings.networks) for chain in study.chains.values() if chain.refusing is not None
}


def networks_in_chains(encoding):
    """Names of the networks of all chains that evolve images in this encoding, those among them that refuse."""
    return [name for name, (chain, _) in (numbered | refusing).items() if chain.settings.encoding.kind == encoding]


def chains_filled_with(filled_with):
    """Names of the chains with this filling."""
    return [name for name, chain in study.chains.items() if chain.filled_with == filled_with]


def painted_encoding(chain):
    """The settings of the encoding of a chain's random images; uniform noise is that of the direct encoding."""
    if chain.filled_with == "noise":
        return DirectSettings().model_dump(mode="json")
    return chain.settings.evolution()["encoding"]


def chains_painted_in(encoding):
    """Names of the chains whose fooling class holds random images in this encoding."""
    painted = {name: chain for name, chain in study.chains.items() if chain.filled_with in PAINTED}
    return [name for name, chain in painted.items() if painted_encoding(chain)["kind"] == encoding]


def chains_trained_on(pictures):
    """Names of the chains whose networks are trained on `kept` images, or on `all` pictures of a folder."""
    firsts = classifiers_trained_on(pictures)
    return [name for name, chain in study.chains.items() if chain.first in firsts]


def network_file(name):
    """The file of a network of a chain, or of one that refuses real images."""
    chain, number = (numbered | refusing)[name]
    return classifier_file(chain.first) if number == 1 else f"{study.results}/retraining/{name}.safetensors"


def runs_against(name, jobs):
    """The files of the runs that these jobs make against a network of a chain."""
    return [f"{study.results}/retraining/{name}/runs{job}.safetensors" for job in jobs]


def classifier_in_chain(wildcards):
    """The network of a chain that is to be fooled."""
    return network_file(wildcards.network)


def first_in_chain_of_network(wildcards):
    """The first network of the chain of a network, as a list of one name; all are built alike."""
    return [(numbered | refusing)[wildcards.network][0].first]


def evolution_in_chain(wildcards):
    """The settings of the runs against a network of a chain."""
    chain, number = (numbered | refusing)[wildcards.network]
    return as_json(chain.evolution(number))


def seeds_in_chain(wildcards):
    """The options that name the seeds of one job."""
    chain, number = (numbered | refusing)[wildcards.network]
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
    settings = sizes | {"encoding": painted_encoding(chain), "seed": seed}
    if chain.filled_with == "drift":
        settings["generations"] = chain.settings.search.generations
    return as_json(settings)


def fooling_images_so_far(wildcards):
    """The fooling images that all networks before this one supplied."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    before = range(1, number) if chain.supplier is not None else ()
    return [f"{study.results}/retraining/{chain.supplier}/images{other}.safetensors" for other in before]


def retrain_settings(wildcards):
    """The settings of a retrained network: those of the first one with another seed, and its place in the chain."""
    chain, number = study.chains[wildcards.chain], int(wildcards.number)
    seed = network_seed(chain.settings, chain.first, number)
    network = study.classifiers[chain.first].section() | {"seed": seed}
    settings = {"network": network, "first": chain.first, "filled_with": chain.filled_with, "number": number}
    if chain.settings.exposure != "equal-iterations":  # what is the default leaves the jobs of other studies alone
        settings["exposure"] = chain.settings.exposure
    return as_json(settings)


def last_in_chain(wildcards):
    """The last network of a chain."""
    chain = study.chains[wildcards.chain]
    return network_file(chain.network(chain.settings.networks))


def match_settings(wildcards):
    """The share of real images that a network refuses when evolution runs again."""
    settings = study.chains[wildcards.chain].settings
    return as_json({"rate": settings.refusal.evolved_rate, "seed": settings.seed})


def refusing_runs(name):
    """The runs against a network that refuses real images: those of the seeds that measure it without."""
    chain, _ = refusing[name]
    return runs_against(name, jobs_for(chain.settings.measured_runs))


def retraining_files():
    """The files of all retrained networks and of the runs against them, refusing ones included."""
    networks = [network_file(name) for name in numbered]
    runs = [runs_against(name, chain.blocks(number)) for name, (chain, number) in numbered.items()]
    refused = [network_file(name) for name in refusing]
    return sum(runs + [refusing_runs(name) for name in refusing], networks + refused)
