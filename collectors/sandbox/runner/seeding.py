"""`random` starts from the same seed in every session, so that a cell that is run again draws the same
numbers. Whoever wants other ones seeds it."""
import sys
from importlib.machinery import PathFinder


class Seeding:
    """Finds `random` as the path finder does, and seeds it when it has been imported."""

    def __init__(self, seed):
        self.seed = seed

    def find_spec(self, name, path=None, target=None):
        if name != "random":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute, seed = spec.loader.exec_module, self.seed

        def execute_and_seed(module):
            execute(module)
            module.seed(seed)

        spec.loader.exec_module = execute_and_seed
        return spec


def seed_random(seed):
    if "random" in sys.modules:
        sys.modules["random"].seed(seed)
    else:
        sys.meta_path.insert(0, Seeding(seed))
