"""One simulated robot on the site's map, in pyrobosim: its planner, its execution, its collision checks, its grasping.

Areas become rooms and passages become hallways. Where an area has space beside the ways through it, it gets a pallet: the
place where a robot that stands at the area's pose can pick up and put down. pyrobosim is imported here and nowhere else.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from dataclasses import dataclass

from pyrobosim.core import Location, Object, ObjectSpawn, Robot, World
from pyrobosim.navigation.execution import ConstantVelocityExecutor
from pyrobosim.navigation.rrt import RRTPlanner
from pyrobosim.planning.actions import ExecutionStatus
from pyrobosim.utils.path import Path
from pyrobosim.utils.pose import Pose as SimulatedPose
from shapely.geometry import LineString, Polygon, box
from shapely.geometry import Point as ShapelyPoint

from roost.robot import Pose
from roost_daemon.site.model import Area, Point, Site
from roost_daemon.site.way import approach

ROBOT_RADIUS_M = 0.2
PALLET_SIDE_M = 0.5
CRATE_SIDE_M = 0.2
# A pallet blocks its square and the robot's radius around it; ways must keep clear of its corners too.
PALLET_CLEARANCE_M = PALLET_SIDE_M / math.sqrt(2) + 2 * ROBOT_RADIUS_M
WAYPOINT_SPACING_M = 0.25
STEP_S = 0.05
VALIDATION_PERIOD_S = 0.1
TURN_RATE_RAD_S = 3.0
CANCEL_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action of the simulated robot ended. code: pyrobosim's status as a number, 0 for success."""

    succeeded: bool
    cancelled: bool
    code: int
    message: str


class SimulatedRobot:
    """The robot and its world. One drive at a time; `drive` blocks its thread, the rest may be called from any."""

    def __init__(self, site: Site, robot: str) -> None:
        description = site.robot(robot)
        self._world = _world(site)
        self._robot = Robot(
            name=robot,
            radius=ROBOT_RADIUS_M,
            # Legs are short and straight: RRT connects them directly, and samples only when that fails.
            path_planner=RRTPlanner(
                max_connection_dist=2 * description.leash_m,
                collision_check_step_dist=0.05,
                max_nodes_sampled=200,
                max_time=0.5,
            ),
            path_executor=ConstantVelocityExecutor(
                dt=STEP_S,
                linear_velocity=description.max_speed_mps,
                max_angular_velocity=TURN_RATE_RAD_S,
                validate_during_execution=True,
                validation_dt=VALIDATION_PERIOD_S,
                validation_step_dist=0.05,
            ),
            start_sensor_threads=False,
        )
        self._world.add_robot(self._robot, pose=_simulated(description.home))
        self._driving = threading.Lock()
        self._path: LineString | None = None

    def pose(self) -> Pose:
        """Where it is."""
        pose = self._robot.get_pose()
        return Pose(pose.x, pose.y, pose.get_yaw())

    def holding(self) -> str:
        """What it holds, or the empty string."""
        held = self._robot.manipulated_object
        return "" if held is None else str(held.name)

    def drive(self, goal: Pose, cancel: threading.Event) -> Outcome:
        """Plan to the goal and go there, after a drive before this one has ended."""
        with self._driving:
            if cancel.is_set():
                return Outcome(False, True, int(ExecutionStatus.CANCELED), "cancelled before it began")
            path = self._robot.plan_path(goal=_simulated(goal))
            if path is None or path.num_poses == 0:
                return Outcome(False, False, int(ExecutionStatus.PLANNING_FAILURE), "Failed to plan a path.")
            # pyrobosim validates only what lies behind the next waypoint, so waypoints must be close.
            path = _with_waypoints(path)
            self._path = LineString([(pose.x, pose.y) for pose in path.poses])
            watcher = threading.Thread(target=self._cancel_when_told, args=(cancel,), name="cancel")
            watcher.start()
            try:
                result = self._robot.follow_path(path)
            finally:
                self._path = None
                watcher.join()
            cancelled = result.status is ExecutionStatus.CANCELED
            return Outcome(result.is_success(), cancelled, max(int(result.status), 0), result.message or "")

    def _cancel_when_told(self, cancel: threading.Event) -> None:
        executor = self._robot.path_executor
        while self._path is not None:
            if cancel.is_set() and executor is not None:
                # Again and again: pyrobosim forgets a request that comes while it sets out.
                executor.cancel_execution = True
            time.sleep(CANCEL_POLL_S)

    def grasp(self) -> Outcome:
        """Pick up what lies on the pallet at the robot's place."""
        if self._driving.locked():
            return Outcome(False, False, int(ExecutionStatus.PRECONDITION_FAILURE), "it drives; it can grasp at rest only")
        here = [thing for thing in self._world.objects if thing.parent is self._robot.location]
        within_reach = here or [thing for thing in self._world.objects if thing.parent is not self._robot]
        if not within_reach:
            return Outcome(False, False, int(ExecutionStatus.PRECONDITION_FAILURE), "there is nothing to grasp")
        result = self._robot.pick_object(within_reach[0].name)
        return Outcome(result.is_success(), False, max(int(result.status), 0), result.message or "")

    def release(self) -> Outcome:
        """Put down what it holds on the pallet at the robot's place."""
        if self._driving.locked():
            return Outcome(False, False, int(ExecutionStatus.PRECONDITION_FAILURE), "it drives; it can release at rest only")
        result = self._robot.place_object()
        return Outcome(result.is_success(), False, max(int(result.status), 0), result.message or "")

    def close_passage_ahead(self, passage: str, within_m: float) -> bool:
        """Close the passage if the drive under way leads through it, is near it, and is not yet in it; whether it did."""
        path = self._path
        hallway = self._world.get_hallway_by_name(passage)
        pose = self._robot.get_pose()
        if path is None or hallway is None or not path.intersects(hallway.closed_polygon):
            return False
        near = hallway.closed_polygon.distance(self._robot.polygon.centroid) <= within_m
        # pyrobosim itself refuses to close a hallway with a robot in it; asking it then would only fill the log.
        return near and not hallway.is_collision_free(pose) and bool(self._world.close_location(hallway).is_success())


def _simulated(pose: Pose) -> SimulatedPose:
    return SimulatedPose(x=pose.x_m, y=pose.y_m, yaw=pose.yaw_rad)


def _with_waypoints(path: Path) -> Path:
    poses = [path.poses[0]]
    for start, end in itertools.pairwise(path.poses):
        distance_m = start.get_linear_distance(end, ignore_z=True)
        heading_rad = math.atan2(end.y - start.y, end.x - start.x)
        count = max(1, math.ceil(distance_m / WAYPOINT_SPACING_M))
        poses.extend(
            SimulatedPose(
                x=start.x + (end.x - start.x) * step / count, y=start.y + (end.y - start.y) * step / count, yaw=heading_rad
            )
            for step in range(1, count)
        )
        poses.append(end)
    return Path(poses=poses)


def _world(site: Site) -> World:
    world = World(name=site.name, inflation_radius=ROBOT_RADIUS_M)
    for area in site.areas.values():
        footprint = [[corner.x_m, corner.y_m] for corner in area.polygon]
        world.add_room(name=area.name, footprint=footprint, nav_poses=[_simulated(area.stand)])
    for passage in site.passages.values():
        # The hallway reaches into both rooms, beyond the robot's clearance from the walls.
        points = [approach(site, passage, area) for area in passage.areas]
        world.add_hallway(
            name=passage.name,
            room_start=passage.areas[0],
            room_end=passage.areas[1],
            width=passage.width_m,
            conn_method="points",
            conn_points=[[point.x_m, point.y_m] for point in points],
        )
    _furnish(world, site)
    return world


def _furnish(world: World, site: Site) -> None:
    side = {"type": "box", "dims": [PALLET_SIDE_M, PALLET_SIDE_M], "height": 0.1}
    Location.metadata.data["pallet"] = {"footprint": side, "locations": [{"name": "top"}]}
    for area in site.areas.values():
        objects = [thing for thing in site.objects.values() if thing.area == area.name]
        position = objects[0].position if objects else _pallet_position(site, area)
        if position is None:
            continue
        pallet = world.add_location(
            name=f"pallet_{area.name}",
            category="pallet",
            parent=area.name,
            pose=SimulatedPose(x=position.x_m, y=position.y_m),
        )
        if pallet is None:
            continue
        spawn = pallet.children[0]
        assert isinstance(spawn, ObjectSpawn)
        spawn.nav_poses = [_simulated(area.stand)]
        for thing in objects:
            footprint = {"type": "box", "dims": [CRATE_SIDE_M, CRATE_SIDE_M], "height": CRATE_SIDE_M}
            Object.metadata.data[thing.name] = {"footprint": footprint}
            at = SimulatedPose(x=thing.position.x_m, y=thing.position.y_m)
            world.add_object(name=thing.name, category=thing.name, parent=spawn, pose=at)


def _pallet_position(site: Site, area: Area) -> Point | None:
    """The corner of the area, drawn in, that is farthest from every straight way through it, if one is free."""
    doors = [approach(site, passage, area.name) for passage in site.passages.values() if area.name in passage.areas]
    stops = [Point(area.stand.x_m, area.stand.y_m), *doors]
    ways = [LineString([(a.x_m, a.y_m), (b.x_m, b.y_m)]) for a, b in itertools.combinations(stops, 2)]
    floor = Polygon([(corner.x_m, corner.y_m) for corner in area.polygon])
    centre = Point(floor.centroid.x, floor.centroid.y)

    def drawn_in(corner: Point) -> Point:
        share = PALLET_SIDE_M / max(corner.distance_m(centre), PALLET_SIDE_M)
        return Point(corner.x_m + (centre.x_m - corner.x_m) * share, corner.y_m + (centre.y_m - corner.y_m) * share)

    def clearance_m(point: Point) -> float:
        return min((way.distance(ShapelyPoint(point.x_m, point.y_m)) for way in ways), default=math.inf)

    def fits(point: Point) -> bool:
        half = PALLET_SIDE_M / 2
        return bool(floor.contains(box(point.x_m - half, point.y_m - half, point.x_m + half, point.y_m + half)))

    candidates = [point for point in map(drawn_in, area.polygon) if fits(point) and clearance_m(point) >= PALLET_CLEARANCE_M]
    return max(candidates, key=clearance_m, default=None)
