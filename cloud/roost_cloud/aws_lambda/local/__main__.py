"""`python -m roost_cloud.aws_lambda.local`: serve functions until SIGTERM."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
from aiohttp import web

from roost_cloud.aws_lambda.local.endpoint import application
from roost_cloud.aws_lambda.local.environment import EnvironmentStartError
from roost_cloud.aws_lambda.local.pool import FunctionPool
from roost_cloud.aws_lambda.local.specification import (
    DUMMY_ACCESS_KEY_ID,
    DUMMY_SECRET_ACCESS_KEY,
    REGION,
    FunctionSpec,
)

INFERENCE_HANDLER = "roost_cloud.aws_lambda.function.handler.handler"

_log = logging.getLogger(__name__)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m roost_cloud.aws_lambda.local",
        description="An embedded AWS Lambda endpoint on loopback: the Invoke API over real awslambdaric processes.",
        epilog="When ready it prints one line of JSON with its url, region, dummy credentials and processes. "
        "Point any AWS SDK at the url. SIGTERM stops it and every function.",
    )
    parser.add_argument(
        "--function",
        action="append",
        metavar="NAME=MODULE.HANDLER",
        help=f"a function; may be repeated (default: roost-inference={INFERENCE_HANDLER})",
    )
    parser.add_argument(
        "--models", type=Path, metavar="DIR", help="the function's models: a directory of manifests (ROOST_MODELS)"
    )
    parser.add_argument(
        "--code", type=Path, metavar="DIR", help="a directory with the handlers' code, if it is not installed"
    )
    parser.add_argument(
        "--variable", action="append", default=[], metavar="NAME=VALUE", help="one for the functions' environment; repeatable"
    )
    parser.add_argument("--concurrency", type=int, default=4, help="calls at once per function; more get 429 (default: 4)")
    parser.add_argument("--prewarm", type=int, default=0, help="processes per function to start before READY (default: 0)")
    parser.add_argument("--timeout", type=float, default=3.0, metavar="SECONDS", help="a call's time-out (default: 3)")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one (default: 0)")
    parser.add_argument("--cpu", type=int, help="pin the endpoint and its functions to this CPU")
    arguments = parser.parse_args()
    for variable in arguments.variable:
        if "=" not in variable:
            parser.error(f"--variable {variable}: should be NAME=VALUE")
    for function in arguments.function or ():
        name, _, handler = function.partition("=")
        if not name or "." not in handler:
            parser.error(f"--function {function}: should be NAME=MODULE.HANDLER")
    if arguments.prewarm > arguments.concurrency:
        parser.error(f"--prewarm {arguments.prewarm} is more than --concurrency {arguments.concurrency}")
    for directory in (arguments.models, arguments.code):
        if directory is not None and not directory.is_dir():
            parser.error(f"{directory} is not a directory")
    return arguments


def _pools(arguments: argparse.Namespace) -> list[FunctionPool]:
    variables = dict(variable.split("=", 1) for variable in arguments.variable)
    if arguments.models is not None:
        variables["ROOST_MODELS"] = str(arguments.models.resolve())
    functions: list[str] = arguments.function or [f"roost-inference={INFERENCE_HANDLER}"]
    return [
        FunctionPool(
            FunctionSpec(
                name,
                handler,
                concurrency=arguments.concurrency,
                timeout_s=arguments.timeout,
                variables=variables,
                code=arguments.code.resolve() if arguments.code is not None else None,
            )
        )
        for name, _, handler in (function.partition("=") for function in functions)
    ]


async def _serve(arguments: argparse.Namespace) -> int:
    pools = _pools(arguments)
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_on_signal, signals, tasks.cancel_scope)
            server = web.AppRunner(application(pools, tasks), access_log=None, shutdown_timeout=0.1)
            try:
                for pool in pools:
                    await pool.prewarm(arguments.prewarm)
                await server.setup()
                await web.TCPSite(server, "127.0.0.1", arguments.port).start()
                _tell_ready(server, pools)
                await anyio.sleep_forever()
            except (EnvironmentStartError, OSError) as error:
                _log.error("%s", error)
                return 1
            finally:
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await server.cleanup()
                    for pool in pools:
                        await pool.close()
    return 0


async def _cancel_on_signal(signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()
        return


def _tell_ready(server: web.AppRunner, pools: list[FunctionPool]) -> None:
    host, port = server.addresses[0][:2]
    ready = {
        "ready": True,
        "url": f"http://{host}:{port}",
        "region": REGION,
        "access_key_id": DUMMY_ACCESS_KEY_ID,
        "secret_access_key": DUMMY_SECRET_ACCESS_KEY,
        "functions": [pool.spec.name for pool in pools],
        "pids": [pid for pool in pools for pid in pool.pids],
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run until SIGTERM or SIGINT; 0 if it was asked to stop, 1 if it could not start."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    arguments = _arguments()
    if arguments.cpu is not None:
        os.sched_setaffinity(0, {arguments.cpu})
    return anyio.run(_serve, arguments)


if __name__ == "__main__":
    sys.exit(main())
