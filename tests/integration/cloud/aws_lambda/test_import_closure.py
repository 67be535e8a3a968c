"""What runs in the cloud starts fast because it imports little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FORBIDDEN = {
    "grpc",
    "google",
    "pydantic",
    "boto3",
    "botocore",
    "aiohttp",
    "anyio",
    "asyncio",
    "rclpy",
    "roost_daemon",
    "roost_skills",
}


def test_the_function_imports_no_servers_no_sdk_and_no_daemon(models: Path) -> None:
    script = (
        "import json, sys; import roost_cloud.aws_lambda.function.handler;"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], env={"ROOST_MODELS": str(models)}, stdout=subprocess.PIPE, check=True, timeout=60
    )
    imported = set(json.loads(ran.stdout))
    assert {"roost", "roost_cloud", "roost_inference", "onnxruntime"} <= imported
    assert imported & FORBIDDEN == set()
