"""Builds a wheel of one ROS 2 interface package (`msg/`, `srv/`, `action/`) for the virtual environment this runs in.

PyPI has rclpy and the common interfaces but not Nav2's; it has the generators, and they work as on a robot, with CMake and
a compiler. So we hand them a package with our own definitions and pack what they install. On a robot none of this is
needed: there `/opt/ros/$ROS_DISTRO` brings the real package.

Usage: `.venv/bin/python tools/make_ros_interfaces.py SOURCE_DIRECTORY OUTPUT_DIRECTORY`; prints the wheel's path.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

VERSION = "0.1.0"
PREFIX = Path(sys.prefix)
# `geometry_msgs/PoseStamped pose` in a definition is a dependency on geometry_msgs.
FOREIGN_TYPE = re.compile(r"^\s*([a-z][a-z0-9_]*)/[A-Z]\w*", re.MULTILINE)


def definitions(source: Path) -> list[Path]:
    """The interface files of a package, relative to it."""
    found = [
        path
        for folder, kind in (("msg", "msg"), ("srv", "srv"), ("action", "action"))
        for path in source.glob(f"{folder}/*.{kind}")
    ]
    if not found:
        sys.exit(f"{source}: no msg/*.msg, srv/*.srv or action/*.action in it")
    return sorted(path.relative_to(source) for path in found)


def write_package(source: Path, package: Path) -> None:
    """Copy the definitions to `package` and add what ament wants around them."""
    files = definitions(source)
    name = source.name
    dependencies = sorted({other for file in files for other in FOREIGN_TYPE.findall((source / file).read_text())} - {name})
    for file in files:
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / file, package / file)
    (package / "CMakeLists.txt").write_text(
        "\n".join(
            [
                "cmake_minimum_required(VERSION 3.20)",
                f"project({name})",
                "find_package(ament_cmake REQUIRED)",
                "find_package(rosidl_default_generators REQUIRED)",
                *(f"find_package({dependency} REQUIRED)" for dependency in dependencies),
                f"rosidl_generate_interfaces({name} {' '.join(map(str, files))} DEPENDENCIES {' '.join(dependencies)})",
                "ament_package()",
                "",
            ]
        )
    )
    (package / "package.xml").write_text(
        "\n".join(
            [
                '<package format="3">',
                f"<name>{name}</name><version>{VERSION}</version><description>Generated for Roost</description>",
                '<maintainer email="roost@example.com">Roost</maintainer><license>Apache-2.0</license>',
                "<buildtool_depend>ament_cmake</buildtool_depend><buildtool_depend>rosidl_default_generators</buildtool_depend>",
                *(f"<depend>{dependency}</depend>" for dependency in dependencies),
                "<exec_depend>rosidl_default_runtime</exec_depend>",
                "<member_of_group>rosidl_interface_packages</member_of_group>",
                "<export><build_type>ament_cmake</build_type></export>",
                "</package>",
                "",
            ]
        )
    )


def point_cmake_at_this_interpreter() -> None:
    """Replace, in the ROS wheels' CMake files, the paths of the machine that built them by ours (Python's headers)."""
    import numpy

    ours = {
        re.compile(r"/opt/python/cp\d+-cp\d+t?/include/python3\.\d+t?"): sysconfig.get_path("include"),
        re.compile(
            r"/opt/python/cp\d+-cp\d+t?/lib/python3\.\d+t?/site-packages/numpy/(?:_core|core)/include"
        ): numpy.get_include(),
    }
    for file in PREFIX.glob("share/*/cmake/*.cmake"):
        before = after = file.read_text()
        for foreign, path in ours.items():
            after = foreign.sub(path, after)
        if after != before:
            file.write_text(after)


def build(package: Path, build_directory: Path, install: Path) -> None:
    """Generate, compile and install the package into `install`; exits with the tail of what CMake said when it fails."""
    # Only what the build needs: a sourced ROS or the bootstrap variables of the rclpy wheels would lead it astray.
    environment = {name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ}
    environment |= {
        "PATH": f"{PREFIX / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "AMENT_PREFIX_PATH": str(PREFIX),
        "CMAKE_PREFIX_PATH": str(PREFIX),
    }
    configure = ["cmake", "-G", "Ninja", "-S", str(package), "-B", str(build_directory), f"-DCMAKE_INSTALL_PREFIX={install}"]
    configure += [f"-DPython3_EXECUTABLE={sys.executable}", "-DPython3_FIND_VIRTUALENV=ONLY", "-DBUILD_TESTING=OFF"]
    configure += ["-DCMAKE_BUILD_TYPE=MinSizeRel"]
    for command in (configure, ["cmake", "--build", str(build_directory)], ["cmake", "--install", str(build_directory)]):
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            print("\n".join(result.stdout.splitlines()[-40:]))
            sys.exit(f"{' '.join(command[:3])} failed with exit code {result.returncode}; its last lines are above")


def pack(name: str, install: Path, output: Path) -> Path:
    """Pack an installed package as a wheel: Python modules as such, all else as data below the environment's prefix."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    information = f"{name}-{VERSION}.dist-info"
    wheel = output / f"{name}-{VERSION}-{tag}-{tag}-{platform}.whl"
    contents: dict[str, bytes] = {}
    for path in sorted(path for path in install.rglob("*") if path.is_file()):
        relative = path.relative_to(install)
        if relative.parts[:3] != ("lib", python, "site-packages"):
            contents[f"{name}-{VERSION}.data/data/{relative}"] = path.read_bytes()
        elif not any(part.endswith(".egg-info") for part in relative.parts):
            contents["/".join(relative.parts[3:])] = path.read_bytes()
    contents[f"{information}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n".encode()
    contents[f"{information}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: roost\nRoot-Is-Purelib: false\nTag: {tag}-{tag}-{platform}\n".encode()
    )
    record = []
    for archive_name, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{archive_name},sha256={digest},{len(data)}")
    record.append(f"{information}/RECORD,,")
    output.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed: another clone may read the same cache now.
    unfinished = wheel.with_suffix(f".{os.getpid()}.tmp")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for archive_name, data in contents.items():
            archive.writestr(archive_name, data)
        archive.writestr(f"{information}/RECORD", "\n".join(record) + "\n")
    unfinished.replace(wheel)
    return wheel


def main() -> None:
    """Build one package and print its wheel's path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the package's directory; its name is the package's name")
    parser.add_argument("output", type=Path, help="where the wheel goes")
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    with tempfile.TemporaryDirectory(prefix="roost-interfaces-") as scratch_name:
        scratch = Path(scratch_name)
        package = scratch / "package"
        package.mkdir()
        write_package(source, package)
        point_cmake_at_this_interpreter()
        build(package, scratch / "build", scratch / "install")
        print(pack(source.name, scratch / "install", arguments.output.resolve()))


if __name__ == "__main__":
    main()
