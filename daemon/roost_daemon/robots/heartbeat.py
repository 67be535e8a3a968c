"""Who owns a robot, and whether the owner still lives. Pure.

Each owner has a fencing token that is larger than any owner's before (Kleppmann, "Designing Data-Intensive Applications",
2017, chapter 8). A beat with a smaller one comes from an owner that was replaced and does not know it yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from roost.errors import RefusedError


class FencedError(RefusedError):
    """A beat from an owner that was replaced."""

    reason = "FENCED"


@dataclass(slots=True)
class Heartbeats:
    """The beats of a robot's owner. timeout_ns: the longest silence; first_timeout_ns: the longest before the first beat."""

    robot: str
    timeout_ns: int
    first_timeout_ns: int
    began_ns: int
    owner: str = ""
    fencing_token: int = 0
    last_ns: int | None = None

    def beat(self, owner: str, fencing_token: int, now_ns: int) -> bool:
        """Hear a beat; whether another owner had the robot before and lost it by this.

        Raises `FencedError`.
        """
        known = self.last_ns is not None
        if known and (fencing_token < self.fencing_token or (fencing_token == self.fencing_token and owner != self.owner)):
            raise FencedError(
                f"{self.robot} belongs to '{self.owner}' (fencing token {self.fencing_token}), "
                f"not to '{owner}' (fencing token {fencing_token})",
                remedy="this daemon was replaced; stop it, or start it anew to take the robot back",
            )
        taken = known and fencing_token > self.fencing_token
        self.owner, self.fencing_token, self.last_ns = owner, fencing_token, now_ns
        return taken

    def age_ns(self, now_ns: int) -> int | None:
        """How long ago the owner was heard; None if it never was."""
        return None if self.last_ns is None else now_ns - self.last_ns

    def lost(self, now_ns: int) -> bool:
        """Whether the owner is silent for too long, or never came."""
        if self.last_ns is None:
            return now_ns - self.began_ns > self.first_timeout_ns
        return now_ns - self.last_ns > self.timeout_ns
