"""Functions that do what functions do to those who call them."""

import json
import os
import time
from pathlib import Path


class SomethingIsWrongError(Exception):
    pass


def echo(event, context):
    print("echoing", event)
    return {"event": event, "pid": os.getpid(), "left_ms": context.get_remaining_time_in_millis()}


def fail(event, context):
    raise SomethingIsWrongError("as told")


def leave(event, context):
    os._exit(event["status"])


def sleep(event, context):
    time.sleep(event["seconds"])


def hold(event, context):
    Path(event["started"]).touch()
    while not Path(event["release"]).exists():
        time.sleep(0.02)


def touch(event, context):
    Path(event["path"]).touch()


def flood(event, context):
    return "x" * event["bytes"]


def surroundings(event, context):
    return {"variables": dict(os.environ), "cpus": sorted(os.sched_getaffinity(0)), "directory": str(Path.cwd())}


class DeadlineReportError(Exception):
    pass


def deadline(event, context):
    raise DeadlineReportError(json.dumps(event["deadline"]))
