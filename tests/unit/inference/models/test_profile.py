from dataclasses import replace
from pathlib import Path

import pytest

from roost_inference.models.manifest import InputSpec, ModelManifest
from roost_inference.models.profile import Measurement, ProfileCache, RunTimes, edge_time_ns, model_profile, typical_picture

TIMES = RunTimes(runs=100, wall_p50_ns=20, wall_p95_ns=30_000_000, cpu_p50_ns=10, cpu_p95_ns=20_000_000)
MEASUREMENT = Measurement("cpu", 1, "1.31", "a processor")


@pytest.fixture
def manifest(tmp_path: Path) -> ModelManifest:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"weights")
    return ModelManifest("net", file, InputSpec("x"), benefit=10.0, edge_cost=1.0, cloud_cost=4.0, deadline_ns=500)


def test_percentiles_of_runs() -> None:
    times = RunTimes.from_samples(range(0, 101), range(0, 202, 2))

    assert times == RunTimes(101, 50, 95, 100, 190)


def test_on_one_thread_of_the_cpu_its_own_time_counts_elsewhere_the_elapsed_one() -> None:
    assert edge_time_ns(TIMES, "cpu", 1) == 22_000_000 + 1_000_000
    assert edge_time_ns(TIMES, "cpu", 2) == 33_000_000 + 1_000_000
    assert edge_time_ns(TIMES, "cuda", 1) == 33_000_000 + 1_000_000


def test_a_profile_joins_the_manifest_s_values_and_measured_times(manifest: ModelManifest) -> None:
    profile = model_profile(manifest, 7, 90)

    assert (profile.name, profile.edge_time_ns, profile.cloud_time_ns, profile.deadline_ns) == ("net", 7, 90, 500)
    assert (profile.edge_utility, profile.cloud_utility) == (9.0, 6.0)


def test_a_measurement_is_found_again(tmp_path: Path) -> None:
    ProfileCache(tmp_path / "cache" / "times.json").put("key", TIMES)

    cache = ProfileCache(tmp_path / "cache" / "times.json")

    assert cache.get("key") == TIMES
    assert cache.get("another") is None


@pytest.mark.parametrize("text", ["", "[]", '{"key": {"runs": 1}}', '{"key": 3}'])
def test_a_broken_cache_counts_as_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "times.json").write_text(text)

    assert ProfileCache(tmp_path / "times.json").get("key") is None


def test_whatever_changes_the_time_changes_the_key(manifest: ModelManifest) -> None:
    keys = {
        MEASUREMENT.key(manifest),
        replace(MEASUREMENT, provider="cuda").key(manifest),
        replace(MEASUREMENT, threads=2).key(manifest),
        replace(MEASUREMENT, runtime="1.32").key(manifest),
        replace(MEASUREMENT, processor="another").key(manifest),
        MEASUREMENT.key(replace(manifest, input=InputSpec("x", max_side=32))),
    }
    manifest.file.write_bytes(b"other weights")
    keys.add(MEASUREMENT.key(manifest))

    assert len(keys) == 7
    assert MEASUREMENT.key(manifest) == MEASUREMENT.key(replace(manifest, name="other", source=Path("elsewhere")))


def test_the_typical_picture_has_the_size_asked_for() -> None:
    assert typical_picture(24, 80).shape == (24, 80, 3)
    assert typical_picture(1, 1).shape == (1, 1, 3)
