"""One model tree for all settings of a daemon.

Every field has a title and a description; documentation and the JSON Schema (`roost config schema`) are made from them.
Unknown keys are errors. How a file becomes this tree (environment overlay, line numbers) is `config_file`'s business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from roost_daemon.site.parse import SiteSettings

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseModel):
    """Base of all sections: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StartLimits(Settings):
    """How long each stage of the start may take, in seconds."""

    journal_s: float = Field(10, gt=0, title="Journal", description="Open the journal, mark interrupted missions.")
    memory_s: float = Field(15, gt=0, title="Memory", description="Start the broker (if embedded) and the replication.")
    inference_s: float = Field(60, gt=0, title="Inference", description="Start engine, cloud and cameras, measure profiles.")
    robots_s: float = Field(60, gt=0, title="Robots", description="Start gateways and skill hosts, wait for odometry.")
    interfaces_s: float = Field(10, gt=0, title="Interfaces", description="Open the API and the metrics.")


class DaemonSettings(Settings):
    """The daemon itself."""

    name: str = Field("roost", min_length=1, title="Name", description="Its name among the daemons of the site.")
    state_directory: Path = Field(
        Path("~/.local/state/roost"), title="State", description="Journal and caches; survives a restart."
    )
    runtime_directory: Path = Field(
        Path("~/.local/state/roost/run"), title="Runtime", description="Sockets; a short path, private to the user."
    )
    start: StartLimits = Field(StartLimits(), title="Start", description="The limits of the staged start.")
    stop_s: float = Field(5, gt=0, title="Stop", description="Robots rest and children end within this time, in seconds.")


class TlsSettings(Settings):
    """The API on TCP; only with TLS."""

    host: str = Field("127.0.0.1", title="Host", description="The address to listen on.")
    port: Port = Field(title="Port", description="The port to listen on; 0 chooses a free one.")
    certificate: Path = Field(title="Certificate", description="PEM file of the server's certificate chain.")
    key: Path = Field(title="Key", description="PEM file of the server's private key.")
    client_ca: Path | None = Field(None, title="Client CA", description="PEM file; clients must show a certificate from it.")


class ApiSettings(Settings):
    """The gRPC control API."""

    socket: Path | None = Field(
        None, title="Socket", description="Unix socket; absent: daemon.sock of the runtime directory."
    )
    tcp: TlsSettings | None = Field(None, title="TCP", description="Listen on TCP too, with TLS.")


class MetricsSettings(Settings):
    """Prometheus metrics at `/metrics`, on the loopback address only."""

    enabled: bool = Field(True, title="Enabled", description="Serve them.")
    port: Port = Field(0, title="Port", description="0 chooses a free one; `roost status` prints it.")


class LogSettings(Settings):
    """Structured logs, a line an event."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", title="Level", description="The least level kept.")
    format: Literal["json", "text"] = Field("text", title="Format", description="JSON for machines, text for people.")
    file: Path | None = Field(None, title="File", description="Where to; standard error if absent.")


class ProcessorSettings(Settings):
    """Who runs on which CPU. The edge engine has a core of its own, all else shares the second."""

    pin: bool = Field(True, title="Pin", description="Pin the engine to the first CPU of the set, all else to the second.")


class EngineSettings(Settings):
    """The local engine, a worker process."""

    provider: Literal["cpu", "cuda", "tensorrt"] = Field("cpu", title="Provider", description="ONNX Runtime's provider.")
    profile_seconds: float = Field(0.5, gt=0, title="Profile budget", description="Seconds to measure each model at start.")


class ModelSettings(Settings):
    """Which models there are: directories with manifests."""

    directories: list[Path] = Field(default_factory=list, title="Directories", description="Folders of model manifests.")
    only: list[str] = Field(default_factory=list, title="Only", description="Use these models and no others; empty for all.")


class CameraSettings(Settings):
    """One camera."""

    source: str = Field(title="Source", description="A file, an rtsp:// or http:// URL, or ros:TOPIC for a ROS 2 topic.")
    loop: bool = Field(False, title="Loop", description="Play a file again and again.")
    rate_hz: float | None = Field(None, gt=0, title="Rate", description="Play a file at this rate; its own if absent.")


class StreamSettings(Settings):
    """A model that looks through a camera all the time."""

    camera: str = Field(title="Camera", description="The camera.")
    model: str = Field(title="Model", description="The model.")
    rate_hz: float = Field(ge=0, title="Rate", description="Runs a second; the camera's rate times max_tiles bounds it.")
    max_tiles: int = Field(1, ge=1, le=16, title="Tiles", description="Parts that a frame may be cut into, for more runs.")


class AwsLambdaSettings(Settings):
    """The cloud offload to AWS Lambda."""

    function: str = Field("roost-inference", title="Function", description="Name or ARN of the deployed handler.")
    region: str = Field("us-east-1", title="Region", description="The AWS region.")
    endpoint_url: str | None = Field(None, title="End point", description="Another end point than AWS's own.")
    embedded: bool = Field(
        False, title="Embedded", description="Start the embedded end point on loopback (development, tests, the demo)."
    )
    access_key_id: SecretStr | None = Field(None, title="Access key id", description="Absent: the AWS credential chain.")
    secret_access_key: SecretStr | None = Field(None, title="Secret access key", description="Goes with the access key id.")
    slots: int = Field(2, ge=1, le=1000, title="Slots", description="Calls in flight at once, at most.")
    concurrency: int = Field(2, ge=1, le=1000, title="Concurrency", description="Reserved for the embedded function.")
    profile_calls: int = Field(6, ge=1, title="Profile calls", description="Calls a model at start, to measure its time.")
    compare_every: int = Field(0, ge=0, title="Compare", description="Run every n-th edge frame there too; 0: never.")

    @model_validator(mode="after")
    def _credentials_come_in_pairs(self) -> AwsLambdaSettings:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together: give both or neither")
        if self.embedded and self.endpoint_url:
            raise ValueError("embedded starts an end point of its own: leave endpoint_url out")
        return self


class CloudSettings(Settings):
    """Places that are not this board. The cloud helps and is never a leash."""

    aws_lambda: AwsLambdaSettings | None = Field(None, title="AWS Lambda", description="Absent: everything runs here.")


class RosSettings(Settings):
    """How this daemon's processes speak ROS 2."""

    domain_id: int = Field(0, ge=0, le=232, title="Domain", description="ROS_DOMAIN_ID of gateways and cameras.")
    discovery_range: Literal["LOCALHOST", "SUBNET"] = Field(
        "LOCALHOST", title="Discovery", description="ROS_AUTOMATIC_DISCOVERY_RANGE."
    )


class GatewaySettings(Settings):
    """The robots' gateways."""

    heartbeat_timeout_ms: int = Field(
        1000, ge=500, title="Heartbeat time-out", description="Silence of the daemon for longer stops the robot."
    )


class MemorySettings(Settings):
    """Facts shared between daemons over MQTT 5."""

    host: str = Field("127.0.0.1", title="Host", description="The broker's address.")
    port: Port = Field(1883, title="Port", description="The broker's port; an embedded one listens there.")
    embedded: bool = Field(False, title="Embedded", description="Start a mosquitto of our own on loopback.")


class RoostSettings(Settings):
    """Everything that a daemon is told before it starts."""

    daemon: DaemonSettings = Field(DaemonSettings(), title="Daemon", description="The daemon itself.")
    api: ApiSettings = Field(ApiSettings(), title="API", description="The gRPC control API.")
    metrics: MetricsSettings = Field(MetricsSettings(), title="Metrics", description="Prometheus metrics.")
    log: LogSettings = Field(LogSettings(), title="Log", description="Structured logs.")
    processors: ProcessorSettings = Field(ProcessorSettings(), title="Processors", description="Who runs on which CPU.")
    engine: EngineSettings = Field(EngineSettings(), title="Engine", description="The local engine.")
    models: ModelSettings = Field(ModelSettings(), title="Models", description="Which models there are.")
    cameras: dict[str, CameraSettings] = Field(default_factory=dict, title="Cameras", description="Cameras by name.")
    streams: list[StreamSettings] = Field(default_factory=list, title="Streams", description="Models that always look.")
    cloud: CloudSettings = Field(CloudSettings(), title="Cloud", description="Places that are not this board.")
    ros: RosSettings = Field(RosSettings(), title="ROS 2", description="How its processes speak ROS 2.")
    gateways: GatewaySettings = Field(GatewaySettings(), title="Gateways", description="The robots' gateways.")
    memory: MemorySettings | None = Field(None, title="Memory", description="Absent: facts stay in this daemon.")
    site: SiteSettings | None = Field(None, title="Site", description="Map, robots, rules; absent for inference only.")

    @model_validator(mode="after")
    def _names_exist(self) -> RoostSettings:
        for stream in self.streams:
            if stream.camera not in self.cameras:
                known = ", ".join(sorted(self.cameras)) or "none"
                raise ValueError(f"a stream looks through camera '{stream.camera}', which does not exist; known are {known}")
        for name, robot in (self.site.robots if self.site else {}).items():
            if robot.camera and robot.camera not in self.cameras:
                raise ValueError(f"robot '{name}' carries camera '{robot.camera}', which does not exist under cameras")
        return self
