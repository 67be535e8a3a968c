"""Measuring at start: how long each model takes on this engine, asked only where the cache does not know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anyio import to_thread

from roost_inference.engines.local import LocalEngine
from roost_inference.models.manifest import ModelManifest
from roost_inference.models.profile import Measurement, ProfileCache, edge_time_ns, processor_name


async def measure_edge_times(
    engine: LocalEngine, manifests: Mapping[str, ModelManifest], cache_file: Path, *, runs: int, budget_ns: int
) -> dict[str, int]:
    """For each model that the engine could load: the time to reserve for a run, in ns.

    runs, budget_ns: bounds of one model's measurement. Raises what `LocalEngine.profile` raises.
    """
    cache = await to_thread.run_sync(ProfileCache, cache_file)
    processor = await to_thread.run_sync(processor_name)
    times = {}
    for name, provider in engine.providers.items():
        measurement = Measurement(provider, engine.threads, engine.ort_version, processor)
        key = await to_thread.run_sync(measurement.key, manifests[name])
        known = cache.get(key)
        if known is None:
            known = await engine.profile(name, runs, budget_ns)
            await to_thread.run_sync(cache.put, key, known)
        times[name] = edge_time_ns(known, provider, engine.threads)
    return times
