"""Sums over the workers of a training, by TensorFlow's MultiWorkerMirroredStrategy.

Of the strategy only its collective operations serve here: variables are each worker's own, and stay
the same everywhere because every worker makes the same step of the same sum.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from rawtone.errors import UserError

Loss = Callable[..., tuple[Any, Any]]


class Collective:
    """Adds up tensors over all workers, in an order that is always the same.

    To be made before anything is computed. It returns when all workers have come.

    Args:
        addresses: host:port of every worker, by rank; theirs for this alone.
        rank: of this worker.
    """

    def __init__(self, addresses: Sequence[str], rank: int) -> None:
        cluster = tf.train.ClusterSpec({"worker": list(addresses)})
        kinds = tf.distribute.experimental.CommunicationImplementation
        kind = kinds.NCCL if tf.config.get_visible_devices("GPU") else kinds.RING
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy(
            tf.distribute.cluster_resolver.SimpleClusterResolver(
                cluster, task_type="worker", task_id=rank, rpc_layer="grpc"
            ),
            tf.distribute.experimental.CommunicationOptions(implementation=kind),
        )
        self._summed = tf.function(self._run, autograph=False)

    def sum(self, tensor: Any) -> Any:
        """Return the sum of what the workers give, each the same number of tensors in one order."""
        return self._summed(tensor)

    def _run(self, tensor: Any) -> Any:
        return self._strategy.run(_in_a_worker, (tensor,))


def _in_a_worker(tensor: Any) -> Any:
    context = tf.distribute.get_replica_context()
    # the identity is placed on the worker's device, which an argument is not
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(tensor))


def choose_gpu(local: int, neighbours: int, launched: bool) -> None:
    """Take one GPU for this worker, where there are any.

    Args:
        local: which worker of this machine it is.
        neighbours: how many there are on this machine.
        launched: whether a launcher has started them, which may have given each its own.

    Raises:
        UserError: there are GPUs, but too few.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus or (launched and len(gpus) == 1):
        return
    needed = local + 1 if launched else neighbours
    if needed > len(gpus):
        raise UserError(
            f"training.workers: expected at most one for each GPU, found {needed} on "
            f"{socket.gethostname()}, which has {len(gpus)}; set it to {len(gpus)}"
        )
    tf.config.set_visible_devices([gpus[local]], "GPU")


def free_port() -> int:
    """Return a port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def gradients(losses: Loss, variables: Sequence[Any], jit: bool = True) -> Callable[..., Any]:
    """Compile a function that gives gradients as one vector, its last number the loss.

    Args:
        losses: returns the loss to follow, which may be scaled, and the loss to tell.
        variables: what the gradient is by.
        jit: whether by XLA, which calls no code of ours.
    """

    def flat(*inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            scaled, told = losses(*inputs)
        found = tape.gradient(
            scaled,
            [variable.value for variable in variables],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        numbers = [tf.reshape(tf.convert_to_tensor(part), (-1,)) for part in [*found, told]]
        return tf.concat([tf.cast(part, tf.float32) for part in numbers], axis=0)

    compiled: Callable[..., Any] = tf.function(flat, jit_compile=jit, autograph=False)
    return compiled


def step(apply: Callable[[list[Any]], None], variables: Sequence[Any]) -> Callable[..., Any]:
    """Compile a function that makes an optimizer's step.

    Args:
        apply: takes gradients, one for each variable.
        variables: what the gradients are by.

    Returns:
        Takes the sum that `gradients` began with, and by how many to divide it.
    """
    shapes = [tuple(variable.shape) for variable in variables]
    sizes = [int(tf.TensorShape(shape).num_elements()) for shape in shapes]

    def unpacked(flat: Any, count: Any) -> None:
        parts = tf.split(flat[:-1] / count, sizes)
        apply([tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)])

    compiled: Callable[..., Any] = tf.function(unpacked, jit_compile=True, autograph=False)
    return compiled
