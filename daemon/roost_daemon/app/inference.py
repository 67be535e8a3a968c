"""Composes the frame's road: models, engine, cloud, profiles, cameras, live executor."""

from __future__ import annotations

import os
import socket
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import structlog
from anyio.abc import TaskGroup

from roost.clock import Clocks, ns_to_ms, seconds_to_ns
from roost.errors import ConfigurationError, RoostError, UnavailableError
from roost_cloud.aws_lambda.client import LambdaTarget
from roost_cloud.aws_lambda.connection import Credentials, LambdaSettings
from roost_daemon import assets
from roost_daemon.config import AwsLambdaSettings, CameraSettings, RoostSettings
from roost_daemon.processes.environment import RUN_MARK, child_environment
from roost_daemon.processes.processors import ProcessorPlan
from roost_daemon.processes.supervisor import ChildSpec, Supervisor, python_module
from roost_inference.cameras.video import VideoCamera
from roost_inference.engines.describe import load_models
from roost_inference.engines.local import EngineSettings, LocalEngine
from roost_inference.engines.measuring import measure_edge_times
from roost_inference.models.manifest import ModelManifest, write_manifests
from roost_inference.models.profile import model_profile, typical_picture
from roost_inference.ports import Camera, Frame
from roost_inference.scheduling.dems import Dems
from roost_inference.service import InferenceService, ServiceOptions
from roost_inference.streams import Stream
from roost_inference.task import ModelProfile

if TYPE_CHECKING:
    from rclpy.node import Node

ROS_SOURCE = "ros:"
_LAMBDA_CHILD = "cloud"
_ENGINE_PROFILE_RUNS = 60
# A skill that looks twice at one frame on a loaded machine needs it for some seconds.
_KEPT_FRAMES = 64
# Where no cloud answers when it is measured, and none is reckoned with until it does.
_CLOUD_TIME_UNKNOWN_NS = seconds_to_ns(1.0)
_ASSETS: Mapping[str, Callable[[], Path]] = {
    "text_detector": assets.text_detector_path,
    "text_recogniser": assets.text_recogniser_path,
    "face_detector": assets.face_detector_path,
}


class InferencePart:
    """The frame's road of one daemon. `open`, use `service`, `close`."""

    def __init__(
        self,
        settings: RoostSettings,
        clocks: Clocks,
        supervisor: Supervisor,
        processors: ProcessorPlan,
        state_directory: Path,
        ros_node: Callable[[], Node],
    ) -> None:
        self._settings = settings
        self._clocks = clocks
        self._supervisor = supervisor
        self._processors = processors
        self._models_directory = state_directory / "models"
        self._profiles_file = state_directory / "profiles.json"
        self._ros_node = ros_node
        self._log = structlog.get_logger("inference")
        self.engine: LocalEngine | None = None
        self._cloud: LambdaTarget | None = None
        self.service: InferenceService | None = None

    async def open(self, tasks: TaskGroup) -> None:
        """Start everything; the service runs when this returns.

        Raises `ConfigurationError` and `UnavailableError`.
        """
        manifests = await anyio.to_thread.run_sync(self._gather_models)
        lambda_settings = self._settings.cloud.aws_lambda
        if lambda_settings is not None and lambda_settings.embedded:
            self._start_embedded_lambda(lambda_settings)
        engine = self.engine = LocalEngine(
            EngineSettings(
                models=self._models_directory,
                cpu=self._processors.engine,
                provider=self._settings.engine.provider,
                environment=child_environment(os.environ),
                stderr=None,
            ),
            self._clocks,
        )
        await engine.start()
        for name, why in engine.refused.items():
            self._log.error(f"model '{name}' is not used: {why}", model=name)
        manifests = {name: manifest for name, manifest in manifests.items() if name in engine.providers}
        if lambda_settings is not None:
            await self._open_lambda(lambda_settings, manifests)
        profiles = await self._measure(engine, manifests, lambda_settings)
        slots = lambda_settings.slots if lambda_settings is not None else 0
        self.service = InferenceService(
            self._clocks,
            Dems(profiles, slots),
            profiles,
            engine,
            self._cloud,
            {name: self._camera(name, camera) for name, camera in self._settings.cameras.items()},
            self._streams(manifests),
            ServiceOptions(
                kept_frames=_KEPT_FRAMES, comparison_every=lambda_settings.compare_every if lambda_settings else 0
            ),
        )
        tasks.start_soon(self.service.run, name="inference")

    async def close(self) -> None:
        """End the service first, so that every task has its outcome, then its targets."""
        if self.service is not None:
            await self.service.shutdown()
        if self._cloud is not None:
            await self._cloud.close()
        if self.engine is not None:
            await self.engine.close()

    def _gather_models(self) -> dict[str, ModelManifest]:
        present = {}
        for name, find in _ASSETS.items():
            try:
                present[name] = find()
            except UnavailableError:
                continue  # whoever names it is told that it is not here
        manifests: dict[str, ModelManifest] = {}
        for directory in self._settings.models.directories:
            for name, manifest in load_models(directory.expanduser(), present).items():
                if name in manifests:
                    raise ConfigurationError(
                        f"the model '{name}' stands in {manifests[name].source} and in {manifest.source}",
                        remedy="rename one of them",
                    )
                manifests[name] = manifest
        only = self._settings.models.only
        for name in only:
            if name not in manifests:
                raise ConfigurationError(
                    f"models.only names '{name}', which is in no directory", remedy=f"known are {', '.join(manifests)}"
                )
        chosen = {name: manifest for name, manifest in manifests.items() if not only or name in only}
        for stale in self._models_directory.glob("*.yaml"):
            stale.unlink()
        write_manifests(chosen, self._models_directory)
        return chosen

    def _start_embedded_lambda(self, settings: AwsLambdaSettings) -> None:
        mark = os.environ.get(RUN_MARK)
        self._supervisor.start(
            ChildSpec(
                name=_LAMBDA_CHILD,
                argv=python_module(
                    "roost_cloud.aws_lambda.local",
                    *("--function", f"{settings.function}=roost_cloud.aws_lambda.function.handler.handler"),
                    *("--models", str(self._models_directory)),
                    *("--concurrency", str(settings.concurrency), "--prewarm", str(settings.concurrency)),
                    # A port that stays the same when it is started again, since the client keeps the address.
                    *("--port", str(_free_port())),
                    *(("--variable", f"{RUN_MARK}={mark}") if mark else ()),
                ),
                environment=child_environment(os.environ),
                start_limit_s=self._settings.daemon.start.inference_s,
            )
        )

    async def _open_lambda(self, settings: AwsLambdaSettings, manifests: Mapping[str, ModelManifest]) -> None:
        endpoint_url, credentials = settings.endpoint_url, None
        if settings.embedded:
            ready = await self._supervisor.children[_LAMBDA_CHILD].wait_ready()
            endpoint_url = str(ready["url"])
            credentials = Credentials(str(ready["access_key_id"]), str(ready["secret_access_key"]))
        elif settings.access_key_id is not None and settings.secret_access_key is not None:
            credentials = Credentials(
                settings.access_key_id.get_secret_value(), settings.secret_access_key.get_secret_value()
            )
        self._cloud = LambdaTarget(
            LambdaSettings(
                function=settings.function,
                region=settings.region,
                endpoint_url=endpoint_url,
                credentials=credentials,
                # Beside those of the policy: one for the comparison of sampled frames, one for a call that was given up
                # at its deadline and still holds its thread.
                max_in_flight=settings.slots + 2,
            ),
            self._clocks,
        )
        await self._cloud.open()

    async def _measure(
        self, engine: LocalEngine, manifests: Mapping[str, ModelManifest], settings: AwsLambdaSettings | None
    ) -> dict[str, ModelProfile]:
        budget_ns = seconds_to_ns(self._settings.engine.profile_seconds)
        edge_times = await measure_edge_times(
            engine, manifests, self._profiles_file, runs=_ENGINE_PROFILE_RUNS, budget_ns=budget_ns
        )
        profiles = {}
        for name, edge_ns in edge_times.items():
            cloud_ns = await self._measure_cloud(manifests[name], settings.profile_calls) if settings is not None else 0
            profiles[name] = model_profile(manifests[name], edge_ns, cloud_ns)
            self._log.info(
                f"profile of {name}", model=name, edge_ms=round(ns_to_ms(edge_ns), 1), cloud_ms=round(ns_to_ms(cloud_ns), 1)
            )
        return profiles

    async def _measure_cloud(self, manifest: ModelManifest, calls: int) -> int:
        """Twice the median of some warm calls: about their 95th percentile, and steadier than the longest of so few."""
        assert self._cloud is not None
        picture = typical_picture(*manifest.input.typical)
        frame = Frame("profile", 0, picture, self._clocks.monotonic_ns(), self._clocks.utc_ns())
        try:
            times_ns = await self._cloud.measure(manifest.name, frame, calls)
        except RoostError as error:
            self._log.warning(f"the cloud could not be measured with {manifest.name}: {error}", model=manifest.name)
            return _CLOUD_TIME_UNKNOWN_NS
        return round(2 * statistics.median(times_ns))

    def _camera(self, name: str, settings: CameraSettings) -> Camera:
        if settings.source.startswith(ROS_SOURCE):
            from roost_daemon.ros.images import RosImageCamera

            return RosImageCamera(name, self._ros_node(), settings.source.removeprefix(ROS_SOURCE), self._clocks)
        return VideoCamera(name, settings.source, self._clocks, loop=settings.loop, rate_hz=settings.rate_hz)

    def _streams(self, manifests: Mapping[str, ModelManifest]) -> list[Stream]:
        followers = {manifest.follows: name for name, manifest in manifests.items() if manifest.follows}
        streams = []
        for wanted in self._settings.streams:
            if wanted.model not in manifests:
                known = ", ".join(sorted(manifests)) or "none"
                raise ConfigurationError(
                    f"the stream of camera '{wanted.camera}' wants model '{wanted.model}', which cannot be used",
                    remedy=f"usable are {known}; the log says why another is not",
                )
            then = followers.get(wanted.model)
            streams.append(Stream(wanted.camera, wanted.model, wanted.rate_hz, then, wanted.max_tiles))
        return streams


def _free_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
