"""The memory that tensors take while a computation runs, counted tensor by tensor."""

import weakref
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Peak(TorchDispatchMode):
    """While active, follows every storage that an operation makes until it is freed.

    `bytes` is the largest sum of all of them at one moment. Storages from before (weights, the
    picture) are not counted; neither is what a library keeps to itself within an operation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.now = 0
        self.living: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        given = {s._cdata for s in _storages((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for storage in _storages(result):
            if storage._cdata not in given | self.living:
                self._follow(storage)
        return result

    def _follow(self, storage: torch.UntypedStorage) -> None:
        self.living.add(storage._cdata)
        self.now += storage.nbytes()
        self.bytes = max(self.bytes, self.now)
        weakref.finalize(storage, self._leave, storage._cdata, storage.nbytes())

    def _leave(self, address: int, size: int) -> None:
        self.living.discard(address)
        self.now -= size


def _storages(values: object) -> list[torch.UntypedStorage]:
    return [v.untyped_storage() for v in tree_leaves(values) if isinstance(v, Tensor)]
