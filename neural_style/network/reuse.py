"""What several runs of one process share: loaded networks, and what they saw in the styles."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from neural_style.network.evaluations import Evaluations
from neural_style.network.extractor import Network

_STYLE_BYTES = 400_000_000
"""Limit of the activations that are kept: those of about six styles at size 512."""

_MOST_NETWORKS = 2


class Reuse:
    """Networks that are kept from run to run, each with its evaluations of the styles.

    Pass one object to all runs (`stylize(…, reuse=reuse)`), one at a time. The pictures are the
    same to the last bit as without it.
    """

    def __init__(self, style_bytes: int = _STYLE_BYTES):
        """Starts without a network.

        Args:
            style_bytes: Limit of `Evaluations` of each network.
        """
        self.style_bytes = style_bytes
        self._networks: OrderedDict[Hashable, Network] = OrderedDict()

    def network(self, key: Hashable, load: Callable[[], Network]) -> Network:
        """The network with that key, loaded if it is not kept."""
        if key in self._networks:
            self._networks.move_to_end(key)
            return self._networks[key]
        network = load()._replace(evaluations=Evaluations(self.style_bytes))
        self._networks[key] = network
        if len(self._networks) > _MOST_NETWORKS:
            self._networks.popitem(last=False)
        return network
