"""What is done to a module of the standard library as soon as it is imported, by whomever: modules that
most sessions do without are not loaded at the start."""
import sys

_PathFinder = sys.modules["_frozen_importlib_external"].PathFinder


class Arrivals:
    """Finds the modules named as the path finder does; `prepared[name]` is called with each once."""

    def __init__(self, prepared):
        self.prepared = prepared

    def find_spec(self, name, path=None, target=None):
        if name not in self.prepared:
            return None
        spec = _PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute, prepare = spec.loader.exec_module, self.prepared[name]

        def execute_and_prepare(module):
            execute(module)
            prepare(module)

        spec.loader.exec_module = execute_and_prepare
        return spec


def prepare_arrivals(prepared):
    """`prepared`: functions of a module, by its name."""
    for name, prepare in prepared.items():
        if name in sys.modules:
            prepare(sys.modules[name])
    sys.meta_path.insert(0, Arrivals(prepared))


def seeding(seed):
    """`random` starts from the same seed in every session, so that a cell that is run again draws the same
    numbers. Whoever wants other ones seeds it."""
    return lambda module: module.seed(seed)
