"""From rclpy to asyncio and back: one context, one node, one executor in one thread.

rclpy's thread runs nothing of ours but a hand-over. A coroutine awaits what rclpy promises (`wrap`); a subscription's
callback hands its message to the loop, or stores it for whoever looks.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import TypeVar

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

_T = TypeVar("_T")
_STOP_BOUND_S = 2.0


class RosBridge:
    """A ROS node of this process. Use it as a context manager around the event loop's work, or `start` and `close` it.

    It honours `ROS_DOMAIN_ID` and the other variables of ROS; it installs no signal handlers and writes no log files.
    """

    def __init__(self, name: str, namespace: str = "") -> None:
        self._context = Context()
        rclpy.init(
            args=["--ros-args", "--disable-external-lib-logs"],
            context=self._context,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        self.node = Node(
            name,
            namespace=namespace,
            context=self._context,
            enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter("start_type_description_service", value=False)],
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, name="rclpy", daemon=True)

    def start(self) -> None:
        """Begin to deliver. Entities may be created on the node before and after."""
        self._thread.start()

    def close(self) -> None:
        """End it; takes some milliseconds."""
        self._executor.shutdown(timeout_sec=_STOP_BOUND_S)
        if self._thread.is_alive():
            self._thread.join(_STOP_BOUND_S)
        self.node.destroy_node()
        self._context.try_shutdown()

    def __enter__(self) -> RosBridge:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def wrap(promise: Future[_T]) -> asyncio.Future[_T]:
    """What rclpy promises, as something that the running loop can await. Cancelling it leaves the promise as it is."""
    loop = asyncio.get_running_loop()
    awaited: asyncio.Future[_T] = loop.create_future()

    def settle() -> None:
        if awaited.done():
            return
        error = promise.exception()
        if error is not None:
            awaited.set_exception(error)
        else:
            result = promise.result()
            assert result is not None
            awaited.set_result(result)

    def hand_over(_: Future[_T]) -> None:
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            pass  # the loop has ended, nobody awaits any more

    promise.add_done_callback(hand_over)
    return awaited
