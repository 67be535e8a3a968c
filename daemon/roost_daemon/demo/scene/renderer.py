"""Makes pictures of a scene with MuJoCo and EGL: in software (Mesa) where there is no graphics card. Adapter.

The EGL context is asked for explicitly, so that neither the environment nor a display has a say.
"""

from __future__ import annotations

import math
from types import TracebackType

import mujoco
import numpy as np
from mujoco.egl import GLContext
from numpy.typing import NDArray

from roost.errors import UnknownNameError
from roost.robot import Pose
from roost_daemon.demo.scene.mjcf import EYE, Mjcf, write_mjcf
from roost_daemon.demo.scene.parts import Scene

WIDTH_PX, HEIGHT_PX = 320, 240
EYE_HEIGHT_M = 1.2

_MOST_SHAPES = 600


class SceneRenderer:
    """One scene, one camera. Belongs to the thread that made it; `close` (or leaving `with`) frees it.

    Raises `ImportError` or `RuntimeError` from MuJoCo where EGL cannot be had.
    """

    def __init__(self, scene: Scene, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> None:
        written: Mjcf = write_mjcf(scene, width_px, height_px)
        self.model = mujoco.MjModel.from_xml_string(written.xml, dict(written.assets))
        self.data = mujoco.MjData(self.model)
        self._places = {name: int(self.model.body(name).mocapid[0]) for name in (EYE, *(body.name for body in scene.bodies))}
        self._size = (height_px, width_px)
        self._viewport = mujoco.MjrRect(0, 0, width_px, height_px)
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = self.model.camera(EYE).id
        self._drawn = mujoco.MjvScene(self.model, _MOST_SHAPES)
        self._gl = GLContext(width_px, height_px)
        self._gl.make_current()
        self._context = mujoco.MjrContext(self.model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)

    def place(self, body: str, pose: Pose) -> None:
        """Put a body there.

        Raises `UnknownNameError`.
        """
        if body not in self._places:
            raise UnknownNameError(f"the scene has no body '{body}'", remedy=f"it has {', '.join(sorted(self._places))}")
        slot = self._places[body]
        self.data.mocap_pos[slot] = (pose.x_m, pose.y_m, pose.z_m)
        self.data.mocap_quat[slot] = (math.cos(pose.yaw_rad / 2), 0.0, 0.0, math.sin(pose.yaw_rad / 2))

    def render(self, eye: Pose) -> NDArray[np.uint8]:
        """What a camera at the pose sees that looks along its heading, level: uint8 [height, width, 3], RGB."""
        self._look(eye)
        return self._draw()

    def shape_numbers(self, eye: Pose) -> NDArray[np.int32]:
        """Which of the model's geoms each pixel shows: int32 [height, width], -1 for the sky. For labels and tests."""
        self._look(eye)
        flags = self._drawn.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        colours = self._draw().astype(np.int32)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        segments = colours[..., 0] + (colours[..., 1] << 8) + (colours[..., 2] << 16)
        numbers = np.full(self._drawn.ngeom + 1, -1, np.int32)
        for geom in self._drawn.geoms[: self._drawn.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                numbers[geom.segid + 1] = geom.objid
        shown: NDArray[np.int32] = numbers[segments]
        return shown

    def close(self) -> None:
        """Free the context; calling it again is no matter."""
        if self._gl is not None:
            self._gl.make_current()
            self._context.free()
            self._gl.free()
            self._gl = None

    def __enter__(self) -> SceneRenderer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _look(self, eye: Pose) -> None:
        self.place(EYE, eye)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        mujoco.mjv_updateScene(
            self.model, self.data, self._option, None, self._camera, mujoco.mjtCatBit.mjCAT_ALL.value, self._drawn
        )

    def _draw(self) -> NDArray[np.uint8]:
        upside_down = np.empty((*self._size, 3), np.uint8)
        self._gl.make_current()  # another renderer of this thread may have taken its place
        mujoco.mjr_render(self._viewport, self._drawn, self._context)
        mujoco.mjr_readPixels(upside_down, None, self._viewport, self._context)
        return np.ascontiguousarray(upside_down[::-1])
